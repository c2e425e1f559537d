"""Backups made while people work, and projects put back from them, checked."""
