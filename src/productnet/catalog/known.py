"""What an import remembers of products: those the pool has, and those this feed has named."""

from hashlib import blake2b

import numpy as np

from productnet.catalog.pool import Pool

_DIGEST_BYTES = 8


def digest(data: bytes) -> bytes:
    """The 8-byte hash that fingerprints and known ids are made of."""
    return blake2b(data, digest_size=_DIGEST_BYTES).digest()


class KnownProducts:
    """The pool's products by id, as they were when the import began.

    Ids and image errors are kept as 64-bit hashes: 24 bytes a product, 24 MB a million. Two of 10
    million ids share a hash with a probability of 3 in a million.
    """

    def __init__(self, pool: Pool) -> None:
        count = len(pool)
        keys = np.empty(count, np.uint64)
        prints = np.empty(count, np.uint64)
        failures = np.empty(count, np.uint64)
        for row, (product_id, fingerprint, image_error) in enumerate(pool.fingerprints()):
            keys[row] = id_key(product_id)
            prints[row] = int.from_bytes(fingerprint)
            failures[row] = _failure(image_error)
        order = np.argsort(keys)
        self._keys, self._prints, self._failures = keys[order], prints[order], failures[order]

    def __contains__(self, product_id: str) -> bool:
        return self._row(product_id) is not None

    def is_current(self, product_id: str, fingerprint: bytes) -> bool:
        """Whether the pool has this product as it is, no image of it having failed."""
        return self.has(product_id, fingerprint, image_error=None)

    def has(self, product_id: str, fingerprint: bytes, *, image_error: str | None) -> bool:
        """Whether the pool has this product as it is, its images having failed like this."""
        row = self._row(product_id)
        return (
            row is not None
            and int(self._prints[row]) == int.from_bytes(fingerprint)
            and int(self._failures[row]) == _failure(image_error)
        )

    def _row(self, product_id: str) -> int | None:
        key = np.uint64(id_key(product_id))
        row = int(self._keys.searchsorted(key))
        return row if row < len(self._keys) and self._keys[row] == key else None


class SeenIds:
    """The ids a feed has named so far and where: about 120 bytes each, 120 MB a million."""

    def __init__(self) -> None:
        self._lines: dict[int, int] = {}

    def first_line(self, product_id: str, line: int) -> int | None:
        """The line that named this id before; None, and the line is remembered, if none did."""
        first = self._lines.setdefault(id_key(product_id), line)
        return None if first == line else first


def id_key(product_id: str) -> int:
    """The 64-bit hash of an id."""
    return int.from_bytes(digest(product_id.encode()))


def _failure(image_error: str | None) -> int:
    return 0 if image_error is None else int.from_bytes(digest(image_error.encode()))
