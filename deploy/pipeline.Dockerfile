# The write side: `daycount run`, `define` and the other commands that need Beam.
#   docker build -f deploy/pipeline.Dockerfile -t daycount-pipeline .
ARG PYTHON=python:3.11-slim-bookworm
FROM ${PYTHON} AS build
WORKDIR /src
RUN python -m venv /opt/daycount
# Dependencies first: they change less often than the code does.
COPY pyproject.toml constraints.txt README.md ./
RUN /opt/daycount/bin/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > needed.txt \
    && /opt/daycount/bin/pip install --no-cache-dir -c constraints.txt -r needed.txt
COPY pipeline pipeline
COPY readers readers
RUN /opt/daycount/bin/pip install --no-cache-dir --no-deps .

FROM ${PYTHON}
RUN useradd --create-home --uid 10001 daycount && install -d -o daycount /data
COPY --from=build /opt/daycount /opt/daycount
ENV PATH=/opt/daycount/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
WORKDIR /data
ENTRYPOINT ["daycount"]
CMD ["--help"]
