"""Starlette's test client. Starlette 1.1 and later warn that they would rather have `httpx2`; `httpx` does as well."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

__all__ = ["TestClient"]
