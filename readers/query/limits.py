"""What one query may ask for. Each bound is named by the error that refuses to go past it."""

from __future__ import annotations

METRICS_MAX = 50  # names in `metrics`
DAYS_MAX = 800  # of a date range: two years and a quarter are at most 28 month rows a metric
VALUES_MAX = 1_000  # breakdown values: of a filter, and of an answer
ROWS_MAX = 100_000  # time rows x breakdown values, before `limit` and `offset`
CELLS_MAX = 500_000  # stored totals read: about a second and 200 MB
BODY_BYTES_MAX = 1 << 20
LIMIT_DEFAULT = 1_000
LIMIT_MAX = 10_000
OFFSET_MAX = 1_000_000_000
