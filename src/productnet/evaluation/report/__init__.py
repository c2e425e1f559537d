"""The report: one self-contained HTML page that shows where a project stands.

``collect`` gathers what a project has, ``render`` makes the page of it.
"""
