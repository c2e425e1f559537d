"""The ``productnet`` command: its groups of commands, and how errors leave it."""

import sys

import typer

from productnet import __version__
for group in (data, loop, candidates, people, models, serve, demo):
