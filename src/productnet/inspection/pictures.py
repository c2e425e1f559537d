"""Pictures that are missing, that show nothing, or that many unlike products share."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from productnet.catalog.hashes import text_similarity
from productnet.catalog.schema import IMAGE_ERROR, THUMBNAIL
from productnet.inspection.flaws import MOST_PRODUCTS, Action, Flaw, Severity
from productnet.inspection.lacking import lacking_leaves
from productnet.inspection.subject import Subject
from productnet.progress import Progress

_NAME = "pictures"

# Products that share a picture: fewer may be variants, however their texts differ.
_FEWEST_SHARING = 4

# Mean share of words in common, of products that share a picture; below it they are unlike.
_UNLIKE = 0.3

# Pairs that this is measured on.
_PAIRS = 64

# A leaf lacks pictures when surely so much more of it has none than of all gold.
_WORSE = 0.2


def inspect(subject: Subject, progress: Progress) -> Iterator[Flaw]:
    """What is wrong with the pool's main pictures."""
    pictured, failed = _read(subject, progress)
    signatures = subject.signatures
    yield from _missing(subject, pictured, failed)
    blank = np.flatnonzero(pictured & ~signatures.has_image)
    if len(blank):
        yield _flaw(
            subject,
            "blank picture",
            Severity.WARNING,
            f"{len(blank):,} of {int(pictured.sum()):,} pictures show nothing: they are of one "
            "colour or tiny.",
            "Take them out of the feed, or put right ones in, and import it again.",
            blank,
        )
    yield from _shared(subject)
    yield from _missing_in_leaves(subject, pictured)


def _read(
    subject: Subject, progress: Progress
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which products (N,) have a picture, and of which one is told but could not be had."""
    pictured: list[npt.NDArray[np.bool_]] = []
    failed: list[npt.NDArray[np.bool_]] = []
    with progress.task("Looking for pictures", total=len(subject.pool)) as advance:
        for batch in subject.pool.scan(columns=[THUMBNAIL, IMAGE_ERROR], batch_size=1_024):
            for name, into in ((THUMBNAIL, pictured), (IMAGE_ERROR, failed)):
                into.append(pc.is_valid(batch.column(name)).to_numpy(zero_copy_only=False))
            advance(batch.num_rows)
    nothing = np.zeros(0, np.bool_)
    return np.concatenate([nothing, *pictured]), np.concatenate([nothing, *failed])


def _missing(
    subject: Subject, pictured: npt.NDArray[np.bool_], failed: npt.NDArray[np.bool_]
) -> Iterator[Flaw]:
    lost = np.flatnonzero(failed & ~pictured)
    if len(lost):
        yield _flaw(
            subject,
            "picture could not be read",
            Severity.WARNING,
            f"{len(lost):,} of {len(pictured):,} products name a picture that could not be had.",
            "`import-errors.parquet` says why; mend the feed, and import it again.",
            lost,
        )
    without = np.flatnonzero(~pictured & ~failed)
    if len(without) and pictured.any():
        share = len(without) / len(pictured)
        yield _flaw(
            subject,
            "no picture",
            Severity.NOTE,
            f"{len(without):,} of {len(pictured):,} products have no picture ({share:.0%}).",
            "Add pictures to the feed where there are any: people answer faster by them.",
            without,
        )


def _shared(subject: Subject) -> Iterator[Flaw]:
    signatures = subject.signatures
    shown = np.flatnonzero(signatures.has_image)
    if not len(shown):
        return
    whole = np.ascontiguousarray(signatures.images[shown, 0]).view("V32").reshape(-1)
    _, picture, counts = np.unique(whole, return_inverse=True, return_counts=True)
    order = np.argsort(picture, kind="stable")
    ends = np.cumsum(counts)
    rng = np.random.default_rng(subject.project.settings.seed)
    for number in np.argsort(-counts, kind="stable"):
        if counts[number] < _FEWEST_SHARING:
            break
        rows = shown[order[ends[number] - counts[number] : ends[number]]]
        alike = _likeness(subject, rows, rng)
        if alike is None or alike >= _UNLIKE:
            continue
        yield _flaw(
            subject,
            "placeholder picture",
            Severity.WARNING,
            f"One picture is on {len(rows):,} products whose texts have {alike:.0%} of their "
            "words in common.",
            "It is no picture of them: take it out of the feed, or put right ones in, and import "
            "it again.",
            rows,
            alike=alike,
        )


def _likeness(
    subject: Subject, rows: npt.NDArray[np.int64], rng: np.random.Generator
) -> float | None:
    """The mean share of words in common of some pairs; None where there are no texts."""
    texts = subject.signatures.texts
    rows = rows[subject.signatures.has_text[rows]]
    if len(rows) < _FEWEST_SHARING:
        return None
    first = rng.choice(rows, _PAIRS)
    second = rng.choice(rows, _PAIRS)
    other = first != second
    return float(text_similarity(texts[first[other]], texts[second[other]]).mean())


def _missing_in_leaves(subject: Subject, pictured: npt.NDArray[np.bool_]) -> Iterator[Flaw]:
    shown = set(subject.ids.take(np.flatnonzero(pictured)).to_pylist())
    yield from lacking_leaves(
        subject,
        {
            leaf: [product for product in gold if product not in shown]
            for leaf, gold in subject.gold_of.items()
        },
        worse=_WORSE,
        inspection=_NAME,
        kind="pictures missing in a leaf",
        what="picture",
        advice="Add pictures, or label products that have one: a model learns that the gap means "
        "the leaf.",
        action=Action.FIX_PICTURE,
    )


def _flaw(
    subject: Subject,
    kind: str,
    severity: Severity,
    seen: str,
    advice: str,
    rows: npt.NDArray[np.int64],
    **numbers: float,
) -> Flaw:
    return Flaw(
        inspection=_NAME,
        kind=kind,
        severity=severity,
        seen=seen,
        advice=advice,
        action=Action.FIX_PICTURE,
        products=tuple(subject.ids.take(rows[:MOST_PRODUCTS]).to_pylist()),
        count=len(rows),
        numbers={name: round(value, 4) for name, value in numbers.items()},
    )
