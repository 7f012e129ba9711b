"""Says why an event does or does not count: `daycount explain`, and what the read service answers on the same question.

    event ─► record ─► judge (decode and match, the real ones) ─► body ─► screen
               conditions, clause by clause ─┘       └─ past: what a store knows of the visitor

Nothing is judged here by rules of its own: what counts is what the pipeline's stages make of this one event, and a
clause holds when the parsed condition says so. The store is only read.
"""

from pipeline.explain.command import explain

__all__ = ["explain"]
