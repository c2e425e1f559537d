"""One brand written in several ways, with the spelling to keep."""

from collections import Counter
from collections.abc import Iterator

from productnet.catalog.schema import ID
from productnet.catalog.texts import distinct_words
from productnet.inspection.brand_names import Names
from productnet.inspection.flaws import MOST_PRODUCTS, Action, Flaw, Severity, first_products
from productnet.inspection.subject import Subject
from productnet.progress import Progress

BRAND = "brand"

# A word in more titles than this share says nothing of a brand.
_COMMON = 0.05


def inspect(subject: Subject, progress: Progress) -> Iterator[Flaw]:
    """Names with several spellings, then names that look misspelt; the commonest first."""
    fields = subject.pool.fields
    if BRAND not in fields:
        return
    names, common = _read(subject, progress)
    respelt = sorted(names.respelt(), key=lambda found: -found[0].count)
    for name, others in respelt:
        count = sum(name.spellings[text] for text in others)
        written = ", ".join(f"“{text}” ({name.spellings[text]:,})" for text in others[:4])
        yield _flaw(
            "several spellings",
            f"“{name.canonical}” (products: {name.spellings[name.canonical]:,}) is also written "
            f"{written}.",
            name.canonical,
            [product for text in others for product in name.products[text]],
            count,
        )
    for slip, meant in sorted(names.slips(common=common), key=lambda found: -found[1].count):
        yield _flaw(
            "looks misspelt",
            f"“{slip.canonical}” (products: {slip.count:,}) is one letter from “{meant.canonical}” "
            f"({meant.count:,}), and is on products with like titles.",
            meant.canonical,
            [product for found in slip.products.values() for product in found],
            slip.count,
        )


def _flaw(kind: str, seen: str, keep: str, products: list[str], count: int) -> Flaw:
    return Flaw(
        inspection="brands",
        kind=kind,
        severity=Severity.NOTE,
        seen=seen,
        advice=f"Write it “{keep}” in the feed, and import it again.",
        action=Action.NORMALISE,
        products=first_products(products),
        count=count,
        field=BRAND,
    )


def _read(subject: Subject, progress: Progress) -> tuple[Names, set[str]]:
    """The names of the pool, and the words of too many titles."""
    names = Names(most_products=MOST_PRODUCTS)
    in_titles: Counter[str] = Counter()
    title = subject.pool.fields[0]
    with progress.task("Reading brands", total=len(subject.pool)) as advance:
        for batch in subject.pool.scan(columns=[ID, title, BRAND], batch_size=8_192):
            columns = (batch.column(name).to_pylist() for name in (ID, title, BRAND))
            for product, said, brand in zip(*columns, strict=True):
                words = distinct_words(said or "")
                in_titles.update(words)
                if brand and brand.strip():
                    names.add(brand.strip(), product=product, words=words)
            advance(batch.num_rows)
    most = _COMMON * len(subject.pool)
    return names, {word for word, count in in_titles.items() if count > most}
