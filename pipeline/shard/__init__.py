"""A shard's units: planned on copies, committed by the store's protocol, then held."""
