"""What encoders made of texts and images lately, kept in memory by content for whoever asks again.

A shop asks about the same products over and over, and what a product costs is its encoders: the
layers behind them take a hundredth of the time. Rows of vectors are kept, up to a number of
bytes, the least recently used go first. What pretrained encoders gave is shared by all models that
read it, so that a model that takes the place of another begins with what is known.
"""

from collections import OrderedDict
from hashlib import blake2b
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np

from productnet.master.fields.base import FieldEncoder
from productnet.master.fields.columns import Column, Vectors
from productnet.master.products import InputField

# What an entry costs beside its numbers: key, place in the order, and the objects that hold arrays,
# of which words have a few more.
_ENTRY_BYTES = 450
_WORDS_BYTES = 400

_NOTHING = b""


class Remembered:
    """Rows of columns by encoder and content; safe to share between threads and models.

    Args:
        most_bytes: Memory that may be used.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._rows: OrderedDict[tuple[str, bytes], Vectors] = OrderedDict()
        self._used = 0
        self._names: WeakKeyDictionary[FieldEncoder, str] = WeakKeyDictionary()
        self._named = 0
        self._lock = Lock()
        self.hits = 0
        self.misses = 0

    @property
    def used_bytes(self) -> int:
        """Memory in use."""
        return self._used

    def prepare(self, encoder: FieldEncoder, field: InputField) -> Column:
        """``encoder.prepare(field)``, of which only what is new is computed.

        Columns that are no vectors are computed anew each time.
        """
        name = self._name(encoder)
        keys = [(name, _digest(content)) for content in field.contents()]
        found = self._find(keys)
        new = [key for key in dict.fromkeys(keys) if key not in found]
        if new:
            first = {key: place for place, key in reversed(list(enumerate(keys)))}
            made = encoder.prepare(field.take(np.array([first[key] for key in new])))
            if not isinstance(made, Vectors):
                return encoder.prepare(field)
            found |= {key: made.row(place) for place, key in enumerate(new)}
            self._keep({key: found[key] for key in new})
        rows = [found[key] for key in keys]
        return Vectors.stacked(rows)

    def lacks(self, encoder: FieldEncoder, content: bytes) -> bool:
        """Whether this encoder found lately that it cannot read this text or image."""
        row = self._rows.get((self._name(encoder), _digest(content)))
        return row is not None and not row.present[0]

    def _name(self, encoder: FieldEncoder) -> str:
        if encoder.shared_as is not None:
            return encoder.shared_as
        with self._lock:
            if encoder not in self._names:
                self._named += 1
                self._names[encoder] = str(self._named)
            return self._names[encoder]

    def _find(self, keys: list[tuple[str, bytes]]) -> dict[tuple[str, bytes], Vectors]:
        found = {}
        with self._lock:
            for key in keys:
                row = self._rows.get(key)
                if row is not None:
                    self._rows.move_to_end(key)
                    found[key] = row
                    self.hits += 1
                else:
                    self.misses += 1
        return found

    def _keep(self, rows: dict[tuple[str, bytes], Vectors]) -> None:
        with self._lock:
            for key, row in rows.items():
                if key not in self._rows:
                    self._used += _bytes(row)
                self._rows[key] = row
            while self._used > self._most and self._rows:
                _, row = self._rows.popitem(last=False)
                self._used -= _bytes(row)


def _bytes(row: Vectors) -> int:
    own = sum(one.nbytes for one in row.arrays)
    return own + _ENTRY_BYTES + (0 if row.words is None else _WORDS_BYTES)


def _digest(content: bytes | None) -> bytes:
    return _NOTHING if content is None else blake2b(content, digest_size=16).digest()
