"""Owns the command-line option that names the definitions, the same for every command."""

from __future__ import annotations

import click

definitions_option = click.option(
    "--definitions",
    "definitions_url",
    metavar="URL",
    envvar="DAYCOUNT_DEFINITIONS",
    show_envvar=True,
    required=True,
    help="Where definitions are: redis://HOST:PORT/DB, or a definitions file's path.",
)
