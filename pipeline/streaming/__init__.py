"""The graph on engines that run without end (Flink, Prism, Dataflow): its sources, its steps, and how it is submitted.

The work is the same as on one machine, `worker` and below. Beam is everywhere in here.
"""
