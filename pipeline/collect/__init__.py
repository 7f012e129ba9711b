"""Taking events over HTTP: request ─► records ─► gathered ─► handed over to a stream, a topic or a folder ─► answer.

An answer of 200 comes only after the hand-over; what is handed over is read by `daycount run`.
"""
