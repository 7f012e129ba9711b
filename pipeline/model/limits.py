"""The bounds of what is accepted, each in one place. A refusal names the bound it met."""

from __future__ import annotations

# Definitions. They bound what one event can cost: terms to match, cells to write, bytes to ship as a side input.
METRICS_PER_ACCOUNT_MAX = 2_000
MEASURES_PER_METRIC_MAX = 50
BREAKDOWNS_PER_METRIC_MAX = 10
VISITOR_PATHS_MAX = 10
DESCRIPTION_CHARS_MAX = 1_000
DEFINITION_BYTES_MAX = 64 * 1024
SETTINGS_BYTES_MAX = 1024 * 1024
DEFINITION_DEPTH_MAX = 32
DEFINITIONS_FILE_BYTES_MAX = 16 * 1024 * 1024
GROUP_NAME_CHARS_MAX = 128
PATH_BYTES_MAX = 256
PATH_PARTS_MAX = 16

# The number of an account's parts that are counted side by side; fixed from the first use of a store.
FANOUT_DEFAULT = 8
FANOUT_MAX = 1024

# Events.
EVENT_BYTES_MAX = 256 * 1024
EVENT_DEPTH_MAX = 128
FUTURE_MAX_S = 24 * 3600  # an event time further ahead than this is a reject
CLOCK_SKEW_MAX_S = 5 * 60  # a device clock further ahead than this is corrected
LATE_AFTER_S = 24 * 3600  # after the end of an event's day
BREAKDOWN_VALUES_MAX = 1_000  # named per day, metric, breakdown and slot

# Experiments. They bound what one exposure and one decision can cost, and what an application holds to decide locally.
LAYERS_PER_ACCOUNT_MAX = 200
EXPERIMENTS_PER_ACCOUNT_MAX = 1_000
BUCKETS_MAX = 2**20
PARAMETERS_PER_EXPERIMENT_MAX = 100
VARIATIONS_PER_EXPERIMENT_MAX = 100
RANGES_PER_EXPERIMENT_MAX = 1_000
GOALS_PER_EXPERIMENT_MAX = 50
EPOCHS_PER_EXPERIMENT_MAX = 500
EPOCHS_BYTES_MAX = 1024 * 1024
