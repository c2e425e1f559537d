"""The matrix of an embedding set on disk: mapped into memory to be scanned, or read row by row.

A mapped page that was touched counts as resident, and so do some 15 around it: a process that
looks up products here and there would come to hold the whole matrix. Rows that are read are
copied, and leave nothing behind.
"""

import os
import weakref
from pathlib import Path

import numpy as np

from productnet.embeddings.nearest import FloatArray, Rows


class VectorFile:
    """An opened ``.npy`` file of float32; safe to share between threads.

    Attributes:
        mapped: (N, D), memory-mapped.
    """

    def __init__(self, path: Path) -> None:
        """Open it; raises OSError or ValueError where it is damaged."""
        mapped = np.load(path, mmap_mode="r")
        self.mapped: FloatArray = mapped
        self._offset = int(mapped.offset)
        # Kept open: another set may take the place of this one in the meantime.
        self._descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)

    def read(self, rows: Rows) -> FloatArray:
        """Copies (n, D) of these rows; about a microsecond each where the disk need not turn."""
        dimension = self.mapped.shape[1]
        vectors = np.empty((len(rows), dimension), np.float32)
        content = vectors.reshape(-1).data
        width = vectors.itemsize * dimension
        for place, row in enumerate(rows.tolist()):
            target = content[place * dimension : (place + 1) * dimension]
            os.preadv(self._descriptor, [target], self._offset + row * width)
        return vectors

    def block(self, start: int, stop: int) -> FloatArray:
        """Copies (n, D) of the rows from ``start`` up to ``stop``, read in one go."""
        vectors = np.empty((stop - start, self.mapped.shape[1]), np.float32)
        width = vectors.itemsize * vectors.shape[1]
        content, at = vectors.reshape(-1).view(np.uint8).data, self._offset + start * width
        while content and (got := os.preadv(self._descriptor, [content], at)):
            content, at = content[got:], at + got
        return vectors
