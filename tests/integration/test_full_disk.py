"""A full disk: an error that says what was being written, and nothing that passes for it."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from productnet.files import alone_at, drafted, drafted_folder, mapped_array

FULL = Path("/dev/full")

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="This system has no /dev/full.")


def test_a_file_is_named_and_not_made(tmp_path: Path) -> None:
    place = tmp_path / "table.csv"
    with pytest.raises(OSError, match="No space left on device") as told, drafted(place):
        FULL.write_text("id", encoding="utf-8")
    assert told.value.filename == str(place)
    assert not list(tmp_path.iterdir())


def test_of_long_work_the_place_that_was_asked_for_is_named(tmp_path: Path) -> None:
    place = tmp_path / "index"
    with (
        pytest.raises(OSError, match="No space left on device") as told,
        alone_at(place),
        drafted_folder(place) as folder,
        drafted(folder / "part"),
    ):
        FULL.write_text("id", encoding="utf-8")
    assert told.value.filename == str(place)
    assert not list(tmp_path.iterdir())


def test_a_copied_folder_tells_it_as_everything_else_does(tmp_path: Path) -> None:
    place = tmp_path / "index"
    with pytest.raises(OSError, match="No space left on device") as told, drafted_folder(place):
        raise shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'")])
    assert told.value.filename == str(place)


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux takes the room beforehand.")
def test_the_room_of_a_mapped_file_is_taken_before_it_is_written_to(tmp_path: Path) -> None:
    place = tmp_path / "numbers.npy"
    mapped_array(place, dtype=np.int64, shape=(100_000,))
    assert place.stat().st_blocks * 512 >= place.stat().st_size > 800_000
