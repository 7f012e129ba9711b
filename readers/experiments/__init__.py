"""Owns what is read of experiments: totals, statistics, decisions. How they are counted is `pipeline.trials`."""
