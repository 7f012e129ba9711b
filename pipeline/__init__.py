"""The write side of Daycount: sources -> decode -> match -> (by shard) -> visitors -> counters -> store.

`job` knows the whole order; every rule is a plain function on plain data in a package of its own.
"""
