"""Beam's runners as somebody names them, and their options: what Beam would raise over them is said in a line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.model.errors import UsageError


def check_options(options: Sequence[str], all_known: bool = True) -> None:
    """Refuse options that Beam refuses; all_known: and those that neither the command nor Beam knows."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    for kind in PipelineOptions.__subclasses__():
        kind._add_argparse_args(parser)  # type: ignore[arg-type]
    try:
        _, unknown = parser.parse_known_args(list(options))
    except argparse.ArgumentError as e:
        raise UsageError(f"{e.argument_name}: Beam refuses it: {e.message}") from None
    if unknown and all_known:
        raise UsageError(f"{unknown[0]}: neither an option of daycount run (see --help) nor one of Beam")


def open_pipeline(runner: Any, options: PipelineOptions) -> beam.Pipeline:
    """A pipeline without steps yet. runner: one of Beam's, or its name. Raises UsageError where Beam refuses it."""
    try:
        return beam.Pipeline(runner=runner, options=options)
    except (ImportError, AttributeError, TypeError) as e:  # a name with dots is taken for that of a class
        raise UsageError(f"--runner {runner}: there is no such runner here: {first_line(e)}") from e
    except ValueError as e:  # a title, then what is wrong with options, one a line
        said = [line for line in str(e).splitlines() if line]
        raise UsageError(f"--runner {runner}: {' '.join(said[1:] or said)}") from e


def first_line(error: Exception) -> str:
    """What an error of somebody else's says, short enough for a line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:500]
