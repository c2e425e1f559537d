"""Releases: immutable, versioned exports of gold."""
