"""Recounts raw events and holds the store against them: `daycount audit`.

    files ─► decode, match ─► gather ─► distinct ─► recount ─┐
                                          store ─► stored ───┴─► compare ─► report

What is behind match is counted here once more, from the whole set of events and in the plainest way that is fast enough;
nothing of the stages that are checked, nor of the commit protocol, is used. The store is only read.
"""

from pipeline.audit.command import audit

__all__ = ["audit"]
