"""The store on Cloud Bigtable: `BigtableStore` runs the commit protocol over raw gRPC calls.

`store` is the protocol, `unit` the bytes of heads and mutations, `chunks` puts rows together from a stream of answers,
`calls` is the four calls with their errors, `connect` opens a channel and sees to the tables. No other module of the
write side imports the Bigtable client.
"""

from pipeline.store.bigtable.store import BigtableStore

__all__ = ["BigtableStore"]
