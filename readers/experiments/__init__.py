"""Owns what is read of experiments: totals from the store, statistics, decisions. How they are counted is `pipeline.trials`."""
