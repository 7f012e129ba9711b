"""The shared kernel: plain data and its bytes. Imports nothing else of the project."""
