"""Quality: how people answer, from audits and check items, as numbers computed from the log."""
