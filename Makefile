# Everything happens in the project's own .venv; nothing is installed anywhere else.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

.DEFAULT_GOAL := help
.PHONY: help demo test engines flink kills lint types bench pins clean

help: ## list these targets
	@sed -nE 's/^([a-z.]+):.*## (.*)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-12s %s\n", $$1, $$2 }'

.venv: $(INSTALLED) ## make the virtual environment with all that the other targets need

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Daycount needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@echo "installing into .venv (once; a minute or two)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(INSTALLED) ## run everything on this machine with a simulated shop
	@$(BIN)/daycount demo $(DEMO)

test: lint types ## lint, check types and run all tests; says what had to be left out
	@$(BIN)/python -m pytest -n auto $(TESTS)

engines: $(INSTALLED) ## install Flink, Prism and a Kafka broker for tests, outside of here (some minutes, 500 MB)
	@.ci/engines

flink: $(INSTALLED) engines ## count live events on a Flink cluster whose task manager is killed, stop it with a savepoint, resume it
	@$(BIN)/python -m benchmarks.engine --runner flink $(FLINK)

kills: $(INSTALLED) ## kill real processes at every step and recount, twenty times each; takes KILLS= and SEED=
	@$(BIN)/python -m tests.faults.kills $(if $(KILLS),--kills $(KILLS)) $(if $(SEED),--seed $(SEED))

lint: $(INSTALLED) ## hold the code to the style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || \
	  { echo "not formatted; $(BIN)/ruff format . does it" >&2; exit 1; }

types: $(INSTALLED) ## check the types
	@$(BIN)/mypy

bench: $(INSTALLED) ## measure, beside plain Python on the same input (five minutes; see benchmarks/README.md)
	@$(BIN)/python -m benchmarks.ingest $(BENCH)

pins: ## renew constraints.txt: the newest versions that pyproject.toml allows
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && $(PYTHON) -m venv "$$folder" && \
	  "$$folder/bin/python" -m pip install --quiet --disable-pip-version-check -e '.[dev]' && \
	  { sed -n '/^#/p' constraints.txt; "$$folder/bin/python" -m pip freeze --exclude-editable; } > "$$folder/new" && \
	  cp "$$folder/new" constraints.txt

clean: ## remove what the other targets made
	@rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
