"""`python -m readers COMMAND` is `daycount COMMAND`."""

from pipeline.cli import main

main()
