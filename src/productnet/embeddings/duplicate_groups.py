"""Which products are near-duplicates: found by their hashes, verified by their vectors.

Two products are near-duplicates when one of these holds:

- their images are near, the words of their texts half the same (or neither has any), and their
  vectors have a cosine of at least .9;
- not both have an image, nine of ten words are the same, and the cosine is at least .95.

So one title with two clearly different pictures is two products, and one picture with different
texts is too; products without words and without an image are never near-duplicates. A picture
that many products show is a placeholder, and counts as none.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from productnet.catalog.hashes import TextHash, image_distance, text_similarity
from productnet.catalog.signatures import Signatures
from productnet.embeddings.nearest import FloatArray, Rows
from productnet.progress import SILENT, Progress

# Chosen by planted copies and by looking at what was found (benchmarks/near_duplicates.py).
MOST_IMAGE_BITS = 16
LEAST_TEXT_SIMILARITY = 0.5
LEAST_COSINE = 0.9
# The same where no images can be compared.
LEAST_TEXT_SIMILARITY_BLIND = 0.9
LEAST_COSINE_BLIND = 0.95

# Products that show one very picture, beyond which it is a placeholder.
MOST_SHARING = 20

# Locality-sensitive hashing: products are compared where one of 16 bands of 4 slots is equal,
# which .64 of pairs at similarity .5 are, .99 at .7; or one of 4 bands of the image's lowest bits.
_TEXT_BAND = np.uint64
_IMAGE_BAND = np.uint16
_IMAGE_BANDS = 4

# Each product is compared with this many after it in its bucket, the likest next to one another
# (sorted neighbourhood; Hernández and Stolfo, 1995): the cost is linear whatever is in a bucket.
_WINDOW = 4

# Pairs looked at in one go.
_BLOCK = 16_384

# Groups that one chain of likenesses may fall into; what is left of it stands alone.
_MOST_GROUPS_A_CHAIN = 64

_Key = npt.NDArray[np.unsignedinteger]

# Gives the vectors (n, D), of length one, of these rows (n,).
Read = Callable[[Rows], FloatArray]


def lead_products(
    signatures: Signatures, read: Read, rows: Rows, *, progress: Progress = SILENT
) -> Rows:
    """The product (N,) that stands for each; itself where it has no near-duplicate.

    It is the first of its group in the order given, and a near-duplicate of every other: groups
    do not grow along chains of likenesses. Time is linear in N; memory some 100 bytes a product
    beside the signatures.

    Args:
        signatures: Of the products (N).
        read: Reads an embedding set.
        rows: The row (N,) of each product in it; -1 for a product without a vector.
        progress: Told of bands of hashes gone through.
    """
    near = _NearDuplicates(signatures, read, rows)
    firsts: list[Rows] = []
    seconds: list[Rows] = []
    bands = signatures.texts.view(_TEXT_BAND).shape[1] + _IMAGE_BANDS
    with progress.task("Comparing products", total=bands) as advance:
        pairs = likely_pairs(signatures, near.has_image, words=LEAST_TEXT_SIMILARITY)
        for first, second in pairs:
            found = near(first, second)
            firsts.append(first[found])
            seconds.append(second[found])
            advance(1)
    return _leaders(len(rows), np.concatenate(firsts), np.concatenate(seconds), near)


class _NearDuplicates:
    """Applies the definition of a near-duplicate to pairs of products."""

    def __init__(self, signatures: Signatures, read: Read, rows: Rows) -> None:
        self._signatures = signatures
        self._read = read
        self._rows = rows
        self.has_image = signatures.has_image & ~placeholders(signatures)

    def __call__(self, first: Rows, second: Rows) -> npt.NDArray[np.bool_]:
        """Which of the pairs (n,) and (n,) are near-duplicates (n,)."""
        near = np.zeros(len(first), np.bool_)
        for start in range(0, len(first), _BLOCK):
            part = slice(start, start + _BLOCK)
            near[part] = self._near(first[part], second[part])
        return near

    def _near(self, first: Rows, second: Rows) -> npt.NDArray[np.bool_]:
        signed = self._signatures
        seen = self.has_image[first] & self.has_image[second]
        read = signed.has_text[first] & signed.has_text[second]
        silent = ~(signed.has_text[first] | signed.has_text[second])
        similarity = text_similarity(signed.texts[first], signed.texts[second])
        least = np.where(seen, LEAST_TEXT_SIMILARITY, LEAST_TEXT_SIMILARITY_BLIND)
        near = (read & (similarity >= least)) | (silent & seen)
        near &= (self._rows[first] >= 0) & (self._rows[second] >= 0)
        at = np.flatnonzero(near & seen)
        distance = image_distance(signed.images[first[at]], signed.images[second[at]])
        near[at] = distance <= MOST_IMAGE_BITS
        at = np.flatnonzero(near)
        one, other = (self._read(self._rows[side[at]]) for side in (first, second))  # (n, D)
        cosine = np.einsum("nd,nd->n", one, other)
        near[at] = cosine >= np.where(seen[at], LEAST_COSINE, LEAST_COSINE_BLIND)
        return near


def placeholders(signatures: Signatures) -> npt.NDArray[np.bool_]:
    """Which products show a picture that too many show."""
    crowded = np.zeros(len(signatures.has_image), np.bool_)
    shown = np.flatnonzero(signatures.has_image)
    whole = np.ascontiguousarray(signatures.images[shown, 0]).view("V32").reshape(-1)
    _, picture, count = np.unique(whole, return_inverse=True, return_counts=True)
    crowded[shown] = count[picture] > MOST_SHARING
    return crowded


def likely_pairs(
    signatures: Signatures, has_image: npt.NDArray[np.bool_], *, words: float = 0.0
) -> Iterator[tuple[Rows, Rows]]:
    """Pairs (n,) and (n,) that share a band of hashes and lie near one another in its bucket.

    Args:
        signatures: Of the products (N).
        has_image: Whose image counts (N,): those that have one which is no placeholder.
        words: Pairs have so much of their words in common, or neither has any.

    Yields:
        Rows of both sides, a band at a time; a pair may come more than once.
    """
    texts = signatures.texts.view(_TEXT_BAND)  # (N, 16)
    lowest = np.ascontiguousarray(signatures.images[:, 0, : 2 * _IMAGE_BANDS])
    images = lowest.view(_IMAGE_BAND)  # (N, 4)
    picture = np.where(has_image, lowest.view(np.uint64)[:, 0], 0)  # (N,)
    read, seen = np.flatnonzero(signatures.has_text), np.flatnonzero(has_image)
    buckets = [(read, bucket, (picture, texts[:, band - 1])) for band, bucket in enumerate(texts.T)]
    buckets += [(seen, bucket, (texts[:, 0], picture)) for bucket in images.T]
    for rows, bucket, by in buckets:
        pairs = [np.empty((2, 0), np.int64)]
        pairs += _neighbours(rows, bucket, by=by, texts=signatures.texts, words=words)
        first, second = np.hstack(pairs)
        yield first, second


def _neighbours(
    rows: Rows, bucket: _Key, *, by: tuple[_Key, _Key], texts: TextHash, words: float
) -> Iterator[npt.NDArray[np.int64]]:
    """Pairs (2, n) in one bucket, near one another when it is sorted by two more keys."""
    order = rows[np.lexsort((by[1][rows], by[0][rows], bucket[rows]))]
    key = bucket[order]
    mates = key[1:] == key[:-1]
    some = np.flatnonzero(np.append(mates, False) | np.append(False, mates))
    order, key = order[some], key[some]
    for start in range(0, len(order), _BLOCK):
        part = slice(start, start + _BLOCK + _WINDOW)
        # Hashes are fetched once for all pairs of a product: most of these come to nothing, and
        # the larger the pool, the more there are.
        near, keys, hashes = order[part], key[part], texts[order[part]]
        for step in range(1, _WINDOW + 1):
            same = keys[:-step] == keys[step:]
            same[_BLOCK:] = False  # they begin the next block
            if words:
                same &= text_similarity(hashes[:-step], hashes[step:]) >= words
            yield np.stack([near[:-step][same], near[step:][same]])


def _leaders(count: int, firsts: Rows, seconds: Rows, near: _NearDuplicates) -> Rows:
    """Each chain of near-duplicates cut into groups around their first product."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    edges = coo_array((np.ones(len(firsts), np.bool_), (firsts, seconds)), shape=(count, count))
    _, chain = connected_components(edges, directed=False)
    leader: Rows = np.arange(count)
    waiting = np.unique(np.concatenate([firsts, seconds]))
    for _ in range(_MOST_GROUPS_A_CHAIN):
        _, first, inverse = np.unique(chain[waiting], return_index=True, return_inverse=True)
        lead = waiting[first[inverse]]
        joins = (lead == waiting) | near(lead, waiting)
        leader[waiting[joins]] = lead[joins]
        waiting = waiting[~joins]
        if not len(waiting):
            break
    return leader
