"""Fields that are empty: in the whole pool, or in a leaf much more than elsewhere."""

from collections import Counter, defaultdict
from collections.abc import Iterator

import pyarrow.compute as pc

from productnet.annotation.agreement import Proportion
from productnet.catalog.schema import ID
from productnet.inspection.flaws import MOST_PRODUCTS, Action, Flaw, Severity
from productnet.inspection.subject import Subject
from productnet.progress import Progress

_NAME = "missing"

# A leaf lacks a field when surely this much more of it is empty than of all gold.
_WORSE = 0.25

# Said once of the pool, and not again of each leaf, when so much is empty.
_HARDLY_FILLED = 0.95


def inspect(subject: Subject, progress: Progress) -> Iterator[Flaw]:
    """Fields that nothing fills, and leaves that lack a field others have."""
    fields = subject.pool.fields
    empty: Counter[str] = Counter()
    of_leaf: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    total = 0
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
                        of_leaf[name, leaf].append(product)
            total += batch.num_rows
            advance(batch.num_rows)
    for name in fields:
        yield from _of_field(subject, name, empty[name], total, of_leaf)


def _of_field(
    subject: Subject,
    name: str,
    empty: int,
    total: int,
    of_leaf: defaultdict[tuple[str, str], list[str]],
) -> Iterator[Flaw]:
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
    gold = sum(len(found) for (field, _), found in of_leaf.items() if field == name)
    usual = gold / len(subject.gold) if subject.gold else 0.0
    lacking: list[tuple[Proportion, str]] = []
    for leaf, products in subject.gold_of.items():
        one = Proportion.count(len(of_leaf.get((name, leaf), ())), len(products))
        if one.low > usual + _WORSE:
            lacking.append((one, leaf))
    for one, leaf in sorted(lacking, key=lambda item: -item[0].low):
        yield Flaw(
            inspection=_NAME,
            kind="field missing in a leaf",
            severity=Severity.WARNING,
            seen=f"{one.hits} of {one.of} gold products of {subject.name(leaf)} have no {name}, "
            f"beside {usual:.0%} of all gold.",
            advice=f"Fill {name} in the feed and import it again, or label products that have it: "
            "a model learns that the gap means the leaf.",
            action=Action.FIX_FIELD,
            leaves=(leaf,),
            products=tuple(of_leaf[name, leaf][:MOST_PRODUCTS]),
            count=one.hits,
            field=name,
            numbers={"share": round(one.share or 0.0, 4), "usual": round(usual, 4)},
        )
