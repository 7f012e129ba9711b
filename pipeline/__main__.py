"""`python -m pipeline COMMAND` is `daycount COMMAND`."""

from pipeline.cli import main

main()
