"""What the machine refuses (a full disk, a path without rights) is a sentence as well."""

import sys
from pathlib import Path

import pytest

from productnet.cli.main import run


def test_a_folder_that_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(sys, "argv", ["productnet", "init", str(tmp_path / "file" / "shop")])
    with pytest.raises(SystemExit, match="2"):
        run()
    shown = capsys.readouterr().err
    assert f"{tmp_path / 'file'}" in shown and "Not a directory. Check the disk's free" in shown
