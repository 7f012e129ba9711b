"""What is decided per visitor: which events are duplicates, which is the first, and what a new first takes back."""
