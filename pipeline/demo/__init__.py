"""The demo: a simulated shop whose events are counted and served on this machine, as a user would set it up."""

from pipeline.demo.command import demo

__all__ = ["demo"]
