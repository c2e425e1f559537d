"""The report: one self-contained HTML page that shows where a project stands."""
