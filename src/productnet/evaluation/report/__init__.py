"""The report: one self-contained HTML page that shows where a project stands.

``collect_report`` gathers what a project has, ``write_report`` makes the page of it.
"""

from productnet.evaluation.report.collect import collect_report
from productnet.evaluation.report.render import render_report, write_report

__all__ = ["collect_report", "render_report", "write_report"]
