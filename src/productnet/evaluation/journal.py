"""The journal of a comparison: finished trials, kept as they come, so that a kill costs one each.

The first line says what the trials depend on; one that says otherwise is begun anew. Once a
comparison is recorded its journal is removed.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self

from pydantic import TypeAdapter, ValidationError

from productnet.evaluation.simulation_record import Found
from productnet.evaluation.trials import Trial

_FOUND = TypeAdapter(Found)


class Journal:
    """What is known of a comparison so far.

    Attributes:
        found: What each finished trial found.
    """

    def __init__(self, file: IO[bytes], found: dict[Trial, Found]) -> None:
        self._file = file
        self.found = found

    @classmethod
    @contextmanager
    def open(cls, path: Path, *, depends_on: Mapping[str, object]) -> Iterator[Self]:
        """The journal at this path, which is there for as long as the context ends in an error.

        Args:
            path: Its file; whoever opens it must be alone.
            depends_on: Everything that a trial's outcome follows from, beside the trial itself.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        header = json.dumps(depends_on, sort_keys=True).encode() + b"\n"
        with path.open("a+b") as file:
            file.seek(0)
            found, whole = _read(file, header)
            file.truncate(whole)
            if not whole:
                file.write(header)
            yield cls(file, found)
        path.unlink()

    def add(self, found: Found) -> None:
        """Keep what a trial found."""
        self._file.write(_FOUND.dump_json(found) + b"\n")
        self._file.flush()
        self.found[Trial(found.category, found.source, found.seed)] = found


def _read(file: IO[bytes], header: bytes) -> tuple[dict[Trial, Found], int]:
    """What whole lines say, and how many bytes they take: a kill may have torn the last."""
    if file.readline() != header:
        return {}, 0
    found: dict[Trial, Found] = {}
    whole = file.tell()
    for line in file:
        try:
            one = _FOUND.validate_json(line)
        except ValidationError:
            break
        if not line.endswith(b"\n"):
            break
        found[Trial(one.category, one.source, one.seed)] = one
        whole += len(line)
    return found, whole
