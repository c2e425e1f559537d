"""Read models: what pages ask for, kept in tables as of one decision of the log, moved on by it."""
