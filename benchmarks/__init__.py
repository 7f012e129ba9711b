"""Reproducible measurements: a seeded workload, the truth of it, what plain Python makes of it, and Daycount."""
