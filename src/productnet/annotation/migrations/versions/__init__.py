"""Revisions of the log's schema."""
