"""The day-wise totals of metrics: what a unit adds to which column, and the slots a shard writes them to."""
