"""Bytes to events, or to rejects with a reason. Never raises for what a record holds."""
