"""What a text encoder sees: a product's text fields as one text, without half characters."""

from collections.abc import Sequence

import pyarrow as pa

# About three times what MiniLM reads (128 tokens); the rest is for encoders that read further.
MAX_CHARACTERS = 2_000

# Between two fields.
SEPARATOR = ". "

# What names a product comes first, what only describes it last: encoders cut a text at its end.
_RANK = {
    "title": 0,
    "brand": 1,
    "bullet_points": 2,
    "search_keywords": 3,
    "subject_keywords": 3,
    "attribute_keywords": 3,
    "description": 5,
}
_RANK_OF_OTHERS = 4


def product_text(products: pa.RecordBatch | pa.Table, fields: Sequence[str]) -> list[str | None]:
    """One text a product, of at most MAX_CHARACTERS; None where every field is empty.

    Args:
        products: Columns with at least these fields, as the pool gives them.
        fields: The project's text fields. Title and brand come first, then bullet points,
            keywords, fields of the project's own in its order, and the description.
    """
    ordered = reading_order(fields)
    if not ordered:
        return [None] * products.num_rows
    columns = [products.column(name).to_pylist() for name in ordered]
    return [_joined(texts) for texts in zip(*columns, strict=True)]


def reading_order(fields: Sequence[str]) -> list[str]:
    """These fields in the order that their texts are joined in."""
    return sorted(fields, key=lambda name: _RANK.get(name, _RANK_OF_OTHERS))


def well_formed(text: str) -> str:
    """Lone surrogates, which no tokenizer and no query parser takes, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _joined(texts: Sequence[str | None]) -> str | None:
    # Cut before white space is folded: descriptions of a megabyte exist.
    parts = (" ".join(text[:MAX_CHARACTERS].split()) for text in texts if text)
    return SEPARATOR.join(part for part in parts if part)[:MAX_CHARACTERS] or None
