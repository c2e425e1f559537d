"""Flaws of the dataset itself: what looks wrong, what was seen, and what to do about it."""
