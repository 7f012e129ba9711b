"""Owns how generated tests run on a busy machine: no example is too slow, so no test fails for want of time."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

at_any_pace = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
