"""Texts in the wrong field, and texts that are not what a field is for."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from productnet.catalog.schema import ID
from productnet.inspection import text_rules
from productnet.inspection.brand_names import key_of, named_in
from productnet.inspection.flaws import MOST_PRODUCTS, Action, Flaw, Severity, first_products
from productnet.inspection.subject import Subject
from productnet.progress import Progress

_NAME = "misplaced"

TITLE, DESCRIPTION, BULLETS, BRAND = "title", "description", "bullet_points", "brand"

# Words of the longest brand that is looked for in titles.
_LONGEST_BRAND = 4

# A brand is looked for in titles when, where a title says it and the field is filled, the field
# says so too: "Classic" is a brand, but most titles that say it mean something else.
_FEWEST_PROVEN = 3
_PROVEN = 0.8

# Texts in another script are told of where nearly all are in one.
_ONE_SCRIPT = 0.95

_UNFILLED = "brand in the title only"
_FOREIGN = "another script"


class _Kind(NamedTuple):
    """How a kind of fault is told of: a warning where a text says what is not so."""

    severity: Severity
    advice: str


_KINDS: Mapping[str, _Kind] = {
    "address in a text": _Kind(
        Severity.WARNING, "Take the address out in the feed, and import it again."
    ),
    "markup in a text": _Kind(
        Severity.WARNING, "Take the tags and entities off in the feed, and import it again."
    ),
    "wrong encoding": _Kind(
        Severity.WARNING,
        "Export the feed as UTF-8, and import it again: a model learns the broken letters as "
        "words.",
    ),
    "says that there is nothing": _Kind(
        Severity.WARNING,
        "Leave the field empty in the feed, and import it again: a model takes the words for a "
        "property of the product.",
    ),
    "number as a brand": _Kind(
        Severity.WARNING,
        "Another column was taken for the brand, such as a code or a price; map the right one with "
        "`productnet import --map`.",
    ),
    "sentence as a brand": _Kind(
        Severity.WARNING,
        "Another column was taken for the brand; map the right one with `productnet import --map`.",
    ),
    _UNFILLED: _Kind(
        Severity.WARNING, "Fill the brand in the feed from the title, and import it again."
    ),
    "all capitals": _Kind(
        Severity.NOTE,
        "Nothing has to be done for models, which mostly read without case; for readers, write it "
        "as a sentence.",
    ),
    "title as description": _Kind(
        Severity.NOTE, "Leave the description empty, or fill it: as it is it says nothing."
    ),
    "bullet points in the description": _Kind(
        Severity.NOTE, "Move the list to bullet_points in the feed, and import it again."
    ),
    _FOREIGN: _Kind(
        Severity.NOTE,
        "Check whether these products belong in this shop's language; a text encoder may not read "
        "them.",
    ),
}


@dataclass(slots=True)
class _Found:
    """What was found of one kind in one field."""

    count: int = 0
    products: list[str] = field(default_factory=list)

    def add(self, product: str) -> None:
        self.count += 1
        if len(self.products) < MOST_PRODUCTS:
            self.products.append(product)


_All = defaultdict[tuple[str, str], _Found]


def inspect(subject: Subject, progress: Progress) -> Iterator[Flaw]:
    """One flaw for each kind and field, those with the most products first."""
    found: _All = defaultdict(_Found)
    filled: Counter[str] = Counter()
    fields = subject.pool.fields
    scripts: Counter[str] = Counter()
    by_script: defaultdict[str, _Found] = defaultdict(_Found)
    brands = _ProvenBrands(subject, progress) if {TITLE, BRAND} <= set(fields) else None
    with progress.task("Reading texts", total=len(subject.pool)) as advance:
        for batch in subject.pool.scan(columns=[ID, *fields], batch_size=4_096):
            for row in batch.to_pylist():
                product = row[ID]
                texts = {name: row[name] for name in fields if row[name] and row[name].strip()}
                filled.update(texts.keys())
                for kind, name in _faults(texts):
                    found[kind, name].add(product)
                nameless = BRAND not in texts and TITLE in texts
                if brands is not None and nameless and brands.says(texts[TITLE]):
                    found[_UNFILLED, BRAND].add(product)
                if TITLE in texts and (script := text_rules.script(texts[TITLE])):
                    scripts[script] += 1
                    by_script[script].add(product)
            advance(batch.num_rows)
    for script, one in by_script.items():
        if script != max(scripts, key=scripts.__getitem__) and _mostly_one(scripts):
            found[_FOREIGN, TITLE].count += one.count
            found[_FOREIGN, TITLE].products += one.products
    for (kind, name), one in sorted(found.items(), key=lambda item: -item[1].count):
        yield _flaw(kind, name, one, filled, len(subject.pool))


def _mostly_one(scripts: Counter[str]) -> bool:
    return max(scripts.values()) >= _ONE_SCRIPT * scripts.total()


def _faults(texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The kinds of fault in a product's texts, with the field of each."""
    for name, text in texts.items():
        rules = text_rules.ANYWHERE
        if name == BRAND:
            rules = rules | text_rules.OF_BRAND
        elif name in (TITLE, DESCRIPTION):
            rules = rules | text_rules.OF_PROSE
        for kind, breaks in rules.items():
            if breaks(text):
                yield kind, name
                break
    title, description = texts.get(TITLE), texts.get(DESCRIPTION)
    if title and description and text_rules.same_words(title, description):
        yield "title as description", DESCRIPTION
    if description and BULLETS not in texts and text_rules.is_list(description):
        yield "bullet points in the description", DESCRIPTION


def _flaw(kind: str, name: str, found: _Found, filled: Counter[str], total: int) -> Flaw:
    if kind == _UNFILLED:
        of = total - filled[name]
        seen = f"{found.count:,} of {of:,} products without a brand say one in their title."
    else:
        of = filled[name]
        seen = f"{kind.capitalize()}: {name} of {found.count:,} of {of:,} products that have it."
    return Flaw(
        inspection=_NAME,
        kind=kind,
        severity=_KINDS[kind].severity,
        seen=seen,
        advice=_KINDS[kind].advice,
        action=Action.FIX_FIELD,
        products=first_products(found.products),
        count=found.count,
        field=name,
        numbers={"share": round(found.count / max(of, 1), 4)},
    )


class _ProvenBrands:
    """Brands that titles say and mean, by what the brand field says where it is filled."""

    def __init__(self, subject: Subject, progress: Progress) -> None:
        counts: Counter[str] = Counter()
        with progress.task("Reading brands in titles", total=2 * len(subject.pool)) as advance:
            for batch in subject.pool.scan(columns=[BRAND], batch_size=8_192):
                brands = [text for text in batch.column(BRAND).to_pylist() if text]
                counts.update(filter(None, map(key_of, brands)))
                advance(batch.num_rows)
            known = {
                key: count
                for key, count in counts.items()
                if count >= _FEWEST_PROVEN and len(key) > 1 and not key.isdigit()
            }
            right: Counter[str] = Counter()
            wrong: Counter[str] = Counter()
            for batch in subject.pool.scan(columns=[TITLE, BRAND], batch_size=8_192):
                for said, brand in zip(
                    batch.column(TITLE).to_pylist(), batch.column(BRAND).to_pylist(), strict=True
                ):
                    if said and brand and (key := named_in(said, known, longest=_LONGEST_BRAND)):
                        (right if key == key_of(brand) else wrong)[key] += 1
                advance(batch.num_rows)
        self._proven = {
            key: None
            for key, count in right.items()
            if count >= _FEWEST_PROVEN and count >= _PROVEN * (count + wrong[key])
        }

    def says(self, title: str) -> bool:
        """Whether this title says a brand."""
        return named_in(title, self._proven, longest=_LONGEST_BRAND) is not None
