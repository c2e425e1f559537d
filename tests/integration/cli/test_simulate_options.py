"""Options of ``simulate`` that make no sense are refused before anybody works."""

import pytest
from typer.testing import CliRunner

from productnet.cli.main import app
from productnet.errors import UsageError


@pytest.mark.parametrize(
    "options",
    [
        ("--target", "0"),
        ("--page-size", "0"),
        ("--max-views", "-1"),
        ("--labeler-error", "2"),
        ("--auditor-error", "-0.1"),
        ("--compare", "some"),
        ("--seeds", "0"),
        ("--views", "0"),
        ("--workers", "0"),
    ],
)
def test_values_out_of_range(options: tuple[str, str]) -> None:
    result = CliRunner().invoke(app, ["simulate", *options])
    assert result.exit_code == 2
    assert options[0] in result.output


@pytest.mark.parametrize(
    ("after", "message"),
    [
        ("20,fifty", '--after takes whole numbers .* not "20,fifty"'),
        ("", '--after takes whole numbers .* not ""'),
        ("20,0", "0 is too few"),
    ],
)
def test_views_to_count_after_that_are_no_numbers(
    tmp_path_factory: pytest.TempPathFactory, after: str, message: str
) -> None:
    folder = tmp_path_factory.mktemp("options") / "shop"
    CliRunner().invoke(app, ["init", str(folder)])
    result = CliRunner().invoke(app, ["simulate", "--after", after, "--project", str(folder)])
    assert isinstance(result.exception, UsageError)
    with pytest.raises(UsageError, match=message):
        raise result.exception
