import pyarrow as pa

from productnet.encoders.texts import MAX_CHARACTERS, product_text
from productnet.settings import PAPER_FIELDS


def test_what_names_a_product_comes_first_and_its_description_last() -> None:
    fields = ("description", "material", *PAPER_FIELDS[2:], "title")
    products = pa.table({name: [name.upper()] for name in fields})
    (text,) = product_text(products, fields)
    assert text == (
        "TITLE. BRAND. BULLET_POINTS. SEARCH_KEYWORDS. SUBJECT_KEYWORDS. ATTRIBUTE_KEYWORDS. "
        "MATERIAL. DESCRIPTION"
    )


def test_missing_and_blank_fields_leave_no_trace() -> None:
    products = pa.table({"title": ["Mug", None, " \n"], "brand": [None, " Acme\t Inc ", ""]})
    assert product_text(products, ("title", "brand")) == ["Mug", "Acme Inc", None]


def test_a_pool_without_text_fields_has_no_texts() -> None:
    assert product_text(pa.table({"id": ["a", "b"]}), ()) == [None, None]


def test_a_long_description_is_bounded_and_keeps_the_title() -> None:
    products = pa.table({"description": ["x" * 1_000_000], "title": ["Mug"]})
    (text,) = product_text(products, ("description", "title"))
    assert text is not None
    assert text.startswith("Mug. xxx")
    assert len(text) == MAX_CHARACTERS
