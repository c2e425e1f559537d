"""Runs the Python snippets of the docs as tests; made-up examples take as long as they take."""

from hypothesis import settings
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

# Machines are busy: how long an example takes says nothing.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

pytest_collect_file = Sybil(
    # Blocks marked `py` need what a reader makes first; the journey tests what they say.
    parsers=[PythonCodeBlockParser()],
    patterns=["README.md", "docs/*.md"],
).pytest()
