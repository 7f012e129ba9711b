"""Runners and options that Beam has nothing to do with are refused in a line that names them."""

from __future__ import annotations

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.model.errors import UsageError
from pipeline.runners import check_options, open_pipeline


@pytest.mark.parametrize("runner", ["Nobodys", "no.such.Runner", "pipeline.Nobodys", "pipeline.runners"])
def test_a_runner_that_there_is_not_is_refused(runner: str) -> None:
    with pytest.raises(UsageError, match=f"--runner {runner}: "):
        open_pipeline(runner, PipelineOptions([]))


def test_options_are_beams_or_nobodys() -> None:
    check_options(["--parallelism", "2"])
    with pytest.raises(UsageError, match="--paralelism: neither an option of daycount run"):
        check_options(["--paralelism", "2"])
    with pytest.raises(UsageError, match="--parallelism: Beam refuses it"):
        check_options(["--parallelism", "two"])
