"""Decisions and what follows from them: the log, label, audit, adjudication, progress."""
