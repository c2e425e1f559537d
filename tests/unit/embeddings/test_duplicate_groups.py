"""What counts as a near-duplicate, and how groups are made of them."""

import numpy as np
import pytest

from productnet.catalog.hashes import text_hash
from productnet.catalog.signatures import Signatures
from productnet.embeddings.duplicate_groups import MOST_SHARING, lead_products
from productnet.embeddings.nearest import FloatArray, Rows

WORDS = [f"word{number}" for number in range(20)]
OTHER = [f"other{number}" for number in range(20)]


def image(seed: int, *, changed_bits: int = 0) -> np.ndarray:
    """The hash of an image (4, 32), and of a copy in which so many bits differ."""
    hashed = np.random.default_rng(seed).integers(0, 256, (4, 32), dtype=np.uint8)
    for bit in range(changed_bits):
        hashed[:, 31 - bit // 8] ^= np.uint8(1 << bit % 8)
    return hashed


def vector(seed: int, *, turned: float = 0.0) -> np.ndarray:
    """A unit vector, and one at the cosine ``1 - turned`` to it."""
    first, second = np.linalg.qr(np.random.default_rng(seed).normal(size=(8, 2)))[0].T
    cosine = 1 - turned
    return np.asarray(cosine * first + np.sqrt(1 - cosine**2) * second)


Item = tuple[list[str], np.ndarray | None, np.ndarray]


def leaders(items: list[Item], *, rows: Rows | None = None) -> list[int]:
    count = len(items)
    signatures = Signatures(
        texts=np.stack(
            [text_hash(words) if words else np.zeros(64, np.uint16) for words, *_ in items]
        ),
        has_text=np.array([bool(words) for words, *_ in items]),
        images=np.stack(
            [np.zeros((4, 32), np.uint8) if seen is None else seen for _, seen, _ in items]
        ),
        has_image=np.array([seen is not None for _, seen, _ in items]),
    )
    vectors: FloatArray = np.stack([each for *_, each in items]).astype(np.float32)
    found = lead_products(
        signatures, vectors.__getitem__, np.arange(count) if rows is None else rows
    )
    return [int(each) for each in found]


ORIGINAL: Item = (WORDS, image(1), vector(1))
BLIND: Item = (WORDS, None, vector(1))


@pytest.mark.parametrize(
    "copy",
    [
        ORIGINAL,
        (WORDS[:15] + OTHER[:3], image(1), vector(1, turned=0.08)),
        (WORDS, image(1, changed_bits=14), vector(1)),
    ],
    ids=["the same", "another text", "another encoding"],
)
def test_a_copy_joins_its_original(copy: Item) -> None:
    assert leaders([(OTHER, image(2), vector(2)), ORIGINAL, copy]) == [0, 1, 1]


@pytest.mark.parametrize(
    "other",
    [
        (WORDS, image(2), vector(1)),
        (OTHER, image(1), vector(1)),
        (WORDS, image(1), vector(1, turned=0.2)),
        ([], image(1), vector(1)),
        (WORDS, image(1, changed_bits=40), vector(1)),
    ],
    ids=["another picture", "other words", "another vector", "no text", "a similar picture"],
)
def test_what_differs_in_one_thing_stands_alone(other: Item) -> None:
    assert leaders([ORIGINAL, other]) == [0, 1]


def test_without_pictures_texts_have_to_be_nearly_the_same() -> None:
    assert leaders([BLIND, BLIND]) == [0, 0]
    assert leaders([BLIND, ORIGINAL]) == [0, 0]
    assert leaders([BLIND, (WORDS[:16] + OTHER[:4], None, vector(1))]) == [0, 1]
    assert leaders([BLIND, (WORDS, None, vector(1, turned=0.08))]) == [0, 1]


def test_pictures_alone_tell_copies_where_nobody_wrote_a_word() -> None:
    assert leaders([([], image(1), vector(1)), ([], image(1, changed_bits=3), vector(1))]) == [0, 0]


def test_nothing_is_no_copy_of_nothing() -> None:
    nothing: Item = ([], None, np.zeros(8))
    assert leaders([nothing, nothing, nothing]) == [0, 1, 2]


def test_a_placeholder_makes_no_copies() -> None:
    def shown(number: int) -> Item:
        own = [*WORDS[:16], *(f"{word} {number}" for word in WORDS[16:])]
        return (own, image(1), vector(1))

    few = [shown(number) for number in range(MOST_SHARING)]
    assert set(leaders(few)) == {0}
    many = [shown(number) for number in range(MOST_SHARING + 1)]
    assert leaders(many) == list(range(MOST_SHARING + 1))
    silent: list[Item] = [([], image(1), vector(1)) for _ in range(MOST_SHARING + 1)]
    assert leaders(silent) == list(range(MOST_SHARING + 1))
    # Their texts still tell copies from one another.
    assert leaders([*many, many[5]])[-1] == 5


def test_a_chain_of_likenesses_is_cut_around_its_first_product() -> None:
    def link(number: int) -> Item:
        return (WORDS, image(1, changed_bits=10 * number), vector(1))

    assert leaders([link(number) for number in range(6)]) == [0, 0, 2, 2, 4, 4]


def test_a_hundred_copies_are_one_group() -> None:
    assert set(leaders([(WORDS, image(seed), vector(1)) for seed in [1] * 15] + [BLIND] * 85)) == {
        0
    }


def test_a_product_that_is_not_embedded_stands_alone() -> None:
    assert leaders([ORIGINAL, ORIGINAL, ORIGINAL], rows=np.array([0, -1, 2])) == [0, 1, 0]


def test_a_single_product_stands_for_itself() -> None:
    assert leaders([ORIGINAL]) == [0]
