"""Hashes by which copies of a product are found: MinHash of its words, pHash of its image.

A copy has other bytes: a title in capitals, a picture encoded again. Both hashes change little
where what they are made of changes little.
"""

import io
import zlib
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

TextHash = npt.NDArray[np.uint16]
ImageHash = npt.NDArray[np.uint8]

_Box = tuple[float, float, float, float]

# The share of equal slots estimates Jaccard similarity with a standard deviation of at most .06.
TEXT_SLOTS = 64

# Sums the bytes of a number into its topmost one, and shifts that down.
_EACH_BYTE, _TOP_BYTE = np.uint64(0x0101010101010101), np.uint64(56)

# An image is hashed as it is, a little cropped, more so, and without its margins: 256 bits each. A
# copy that was cropped is as likely to match one of these as the whole.
_CROPPED = (0.0, 0.015, 0.03)
IMAGE_VIEWS = len(_CROPPED) + 1
_SIDE = 64
_FREQUENCIES = 16
IMAGE_BYTES = _FREQUENCIES**2 // 8

# Decoded no larger than needed: JPEG comes at 1/2, 1/4 or 1/8 of its size at little cost.
_DECODED_SIDE = 2 * _SIDE

# Grey levels, of 256, that tell content from ground, and a picture from a blank.
_CONTRAST = 24
_BLANK = 3.0
_SMALLEST_SIDE = 16


def text_hash(words: Sequence[str]) -> TextHash:
    """MinHash of a set of words (64,), which is not empty (Broder, 1997).

    Each slot keeps the low 16 bits of the smallest value of one hash function (b-bit minwise
    hashing, Li and König, 2010); the functions are multiply-shift (Dietzfelbinger et al., 1997).
    """
    codes = np.array([zlib.crc32(word.encode("utf-8", "replace")) for word in words], np.uint64)
    factors, summands = _hash_functions()
    values = (codes[:, None] * factors + summands) >> np.uint64(32)  # (n, 64)
    smallest: TextHash = values.min(axis=0).astype(np.uint16)
    return smallest


def text_similarity(first: TextHash, second: TextHash) -> npt.NDArray[np.float32]:
    """The estimated Jaccard similarity (n,) of the words behind these hashes (n, 64)."""
    slots = first.shape[1]
    # Eight truths at a time as bytes of one number, whose sum the multiplication puts on top.
    eights = (first == second).view(np.uint64).sum(axis=1, dtype=np.uint64)
    shared: npt.NDArray[np.float32] = (eights * _EACH_BYTE >> _TOP_BYTE).astype(np.float32)
    return shared / np.float32(slots)


def image_hash(encoded: bytes) -> ImageHash | None:
    """The perceptual hash of each view of an image (4, 32), the whole first.

    The sign of each low frequency of the grey image against their median (pHash; Zauner, 2010),
    the lowest first. None for an image that shows nothing: blank, tiny or not to be decoded.
    """
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            image.draft("L", (_DECODED_SIDE, _DECODED_SIDE))
            grey = image.convert("L")
    except OSError:
        return None
    levels = np.asarray(grey, np.float32)  # (h, w)
    if min(levels.shape) < _SMALLEST_SIDE or levels.std() < _BLANK:
        return None
    height, width = levels.shape
    boxes = [(width * c, height * c, width * (1 - c), height * (1 - c)) for c in _CROPPED]
    return np.stack([_frequency_signs(grey, box) for box in (*boxes, _content(levels))])


def image_distance(first: ImageHash, second: ImageHash) -> npt.NDArray[np.int64]:
    """Bits of 256 (n,) in which the closest two views of hashes (n, 4, 32) differ."""
    one, other = (hashes.view(np.uint64) for hashes in (first, second))  # (n, 4, 4)
    differing = np.bitwise_count(one[:, :, None] ^ other[:, None]).sum(axis=3, dtype=np.int64)
    closest: npt.NDArray[np.int64] = differing.min(axis=(1, 2))  # (n, 4, 4) -> (n,)
    return closest


def _content(levels: npt.NDArray[np.float32]) -> _Box:
    """The box (left, top, right, bottom) around all that differs from the ground at the edges."""
    height, width = levels.shape
    edges = np.concatenate([levels[0], levels[-1], levels[:, 0], levels[:, -1]])
    shown = np.abs(levels - np.median(edges)) > _CONTRAST
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    if not len(rows):
        return 0, 0, width, height
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _frequency_signs(grey: Image.Image, box: _Box) -> npt.NDArray[np.uint8]:
    """The bits of one view (32,)."""
    square = grey.resize((_SIDE, _SIDE), Image.Resampling.HAMMING, box=box)
    levels = np.asarray(square, np.float32)
    cosines = _cosines()
    amplitudes = (cosines @ levels @ cosines.T).reshape(-1)[_lowest_first()]  # (256,)
    return np.packbits(amplitudes > np.median(amplitudes))


@cache
def _hash_functions() -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Odd factors and summands (64,); NumPy promises the raw stream of a bit generator to stay."""
    drawn = np.random.PCG64(0).random_raw(2 * TEXT_SLOTS)
    return drawn[:TEXT_SLOTS] | np.uint64(1), drawn[TEXT_SLOTS:]


@cache
def _cosines() -> npt.NDArray[np.float32]:
    """The low frequencies of the discrete cosine transform, type II (16, 64)."""
    frequency = np.arange(_FREQUENCIES)[:, None]
    return np.cos(np.pi / _SIDE * frequency * (np.arange(_SIDE) + 0.5)).astype(np.float32)


@cache
def _lowest_first() -> npt.NDArray[np.int64]:
    """The order of frequencies (256,), by the sum of both directions."""
    each = np.arange(_FREQUENCIES)
    return np.argsort(np.add.outer(each, each).reshape(-1), kind="stable")
