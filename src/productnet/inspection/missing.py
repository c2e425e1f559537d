"""Fields that are empty: in the whole pool, in a leaf much more than elsewhere, or all at once."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow.compute as pc

from productnet.catalog.schema import ID
from productnet.inspection.flaws import MOST_PRODUCTS, Action, Flaw, Severity
from productnet.inspection.lacking import lacking_leaves
from productnet.inspection.subject import Subject
from productnet.progress import Progress

_NAME = "missing"

# A leaf lacks a field when surely this much more of it is empty than of all gold.
_WORSE = 0.25

# Said once of the pool, and not again of each leaf, when so much is empty.
_HARDLY_FILLED = 0.95


def inspect(subject: Subject, progress: Progress) -> Iterator[Flaw]:
    """Products with nothing to go by, fields that nothing fills, and leaves that lack a field."""
    yield from _with_nothing(subject)
    fields = subject.pool.fields
    empty: Counter[str] = Counter()
    without: dict[str, defaultdict[str, list[str]]] = {name: defaultdict(list) for name in fields}
    with progress.task("Looking for empty fields", total=len(subject.pool)) as advance:
        for batch in subject.pool.scan(columns=[ID, *fields], batch_size=8_192):
            ids = batch.column(ID)
            for name in fields:
                # A text of blanks is none, whatever the feed meant.
                filled = pc.fill_null(pc.match_substring_regex(batch.column(name), r"\S"), False)
                lacking = pc.filter(ids, pc.invert(filled)).to_pylist()
                empty[name] += len(lacking)
                for product in lacking:
                    if leaf := subject.gold.get(product):
                        without[name][leaf].append(product)
            advance(batch.num_rows)
    for name in fields:
        yield from _of_field(subject, name, empty[name], without[name])


def _with_nothing(subject: Subject) -> Iterator[Flaw]:
    signatures = subject.signatures
    nothing = np.flatnonzero(~signatures.has_text & ~signatures.has_image)
    if len(nothing):
        yield Flaw(
            inspection=_NAME,
            kind="nothing to go by",
            severity=Severity.WARNING,
            seen=f"{len(nothing):,} of {len(subject.pool):,} products have neither a text nor a "
            "picture that shows something.",
            advice="Nobody can say what they are, and no model: fill them in the feed and import "
            "it again, or take them out.",
            action=Action.FIX_FIELD,
            products=tuple(subject.ids.take(nothing[:MOST_PRODUCTS]).to_pylist()),
            count=len(nothing),
        )


def _of_field(
    subject: Subject,
    name: str,
    empty: int,
    without: Mapping[str, list[str]],
) -> Iterator[Flaw]:
    total = len(subject.pool)
    share = empty / total if total else 0.0
    if share >= _HARDLY_FILLED:
        yield Flaw(
            inspection=_NAME,
            kind="field hardly filled",
            severity=Severity.WARNING,
            seen=f"{empty:,} of {total:,} products have no {name} ({share:.0%}).",
            advice=f"Map a column of the feed to {name} with `productnet import --map`, or leave "
            "the field out of the project's settings.",
            action=Action.FIX_FIELD,
            count=empty,
            field=name,
            numbers={"share": round(share, 4)},
        )
        return
    yield from lacking_leaves(
        subject,
        without,
        worse=_WORSE,
        inspection=_NAME,
        kind="field missing in a leaf",
        what=name,
        advice=f"Fill {name} in the feed and import it again, or label products that have it: a "
        "model learns that the gap means the leaf.",
        action=Action.FIX_FIELD,
        field=name,
    )
