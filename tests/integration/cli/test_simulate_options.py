"""Options of ``simulate`` that make no sense are refused before anybody works."""

import pytest
from typer.testing import CliRunner

from productnet.cli.main import app


@pytest.mark.parametrize(
    "options",
    [
        ("--target", "0"),
        ("--page-size", "0"),
        ("--max-views", "-1"),
        ("--labeler-error", "2"),
        ("--auditor-error", "-0.1"),
    ],
)
def test_values_out_of_range(options: tuple[str, str]) -> None:
    result = CliRunner().invoke(app, ["simulate", *options])
    assert result.exit_code == 2
    assert options[0] in result.output
