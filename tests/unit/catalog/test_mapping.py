"""Columns find their fields, and what could give the answer away stays out of the texts."""

import pytest

from productnet.catalog.mapping import FeedMapping, MappedProduct, map_columns, normal
from productnet.catalog.readers.rows import Fault, FaultKind, RawRow
from productnet.errors import UsageError
from productnet.settings import PAPER_FIELDS


def mapped(columns: list[str], **options: str) -> FeedMapping:
    reference, labels = options.pop("reference", None), options.pop("labels", None)
    return map_columns(columns, PAPER_FIELDS, overrides=options, reference=reference, labels=labels)


def product(mapping: FeedMapping, **values: object) -> MappedProduct:
    result = mapping.product(RawRow("feed.csv", 2, values))
    assert isinstance(result, MappedProduct)
    return result


@pytest.mark.parametrize(
    ("column", "name"),
    [("Body (HTML)", "body_html"), ("g:image_link", "image_link"), (" Image Src", "image_src")],
)
def test_names_are_compared_without_case_and_punctuation(column: str, name: str) -> None:
    assert normal(column) == name


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("name", "title"),
        ("productDisplayName", "title"),
        ("Body (HTML)", "description"),
        ("Vendor", "brand"),
        ("manufacturer", "brand"),
        ("bullets", "bullet_points"),
        ("features", "bullet_points"),
        ("tags", "search_keywords"),
        ("attributes", "attribute_keywords"),
        ("item_group_id", "group"),
        ("image_url", "image"),
        ("images", "image"),
        ("additional_image_link", "more_images"),
    ],
)
def test_well_known_names(column: str, field: str) -> None:
    assert mapped(["id", column]).columns[field] == (column,)


def test_the_likeliest_name_wins_and_the_others_are_shown() -> None:
    mapping = mapped(["sku", "name", "id", "title"])
    assert mapping.columns == {"id": ("id",), "title": ("title",)}
    assert mapping.unmapped == ("sku", "name")


def test_attributes_of_a_column_each_are_joined_with_their_names() -> None:
    mapping = mapped(["id", "attributes", "colour", "gender"])
    texts = product(mapping, id=1, attributes={"Fit": "Slim"}, colour="Red", gender="").texts
    assert texts == {"attribute_keywords": "Fit Slim; colour Red"}


@pytest.mark.parametrize(
    "column", ["category", "Product Category", "google_product_category", "product_type", "Type",
               "gpt_path", "label", "master_category"],
)  # fmt: skip
def test_category_columns_fill_nothing_by_themselves(column: str) -> None:
    mapping = mapped(["id", "title", column])
    assert mapping.held_back == mapping.unmapped == (column,)
    fields = (*PAPER_FIELDS, normal(column))
    assert column not in map_columns(["id", column], fields, overrides={}).columns
    asked = mapped(["id", "title", column], subject_keywords=column)
    assert asked.columns["subject_keywords"] == (column,)


@pytest.mark.parametrize("option", ["reference", "labels"])
def test_reference_and_labels_fill_no_text(option: str) -> None:
    mapping = mapped(["id", "title", "tags"], **{option: "tags"})
    row = product(mapping, id="1", title="Mug", tags="Mugs")
    assert row.texts == {"title": "Mug"}
    assert getattr(row, option) == "Mugs"
    with pytest.raises(UsageError, match="give the answer away"):
        mapped(["id", "tags"], search_keywords="tags", **{option: "tags"})


def test_overrides_win_join_and_empty() -> None:
    mapping = mapped(["id", "title", "fit", "cut"], title="", attribute_keywords="fit, cut")
    assert product(mapping, id="1", title="Mug", fit="slim", cut="low").texts == {
        "attribute_keywords": "slim; low"
    }


def test_a_field_of_the_project_takes_the_column_of_its_name() -> None:
    mapping = map_columns(["id", "Colour", "size"], ("title", "colour"), overrides={})
    assert mapping.columns == {"id": ("id",), "colour": ("Colour",)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"titel": "name"}, 'no field "titel". Did you mean "title"'),
        ({"title": "nome"}, 'no column "nome". Did you mean "name"'),
        ({"reference": "nome"}, '--reference nome: the feed has no column "nome"'),
        ({"id": ""}, "No column of this feed looks like a product id. Name it with --map id="),
    ],
)
def test_mistakes_are_named(options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        mapped(["id", "name"], **options)
    assert message in str(raised.value)


def test_images_of_all_columns_in_order_and_once() -> None:
    mapping = mapped(["id", "image_link", "additional_image_link"])
    row = product(
        mapping, id="1", image_link="a.jpg", additional_image_link="b.jpg, c.png,a.jpg,https://h/d"
    )
    assert row.images == ("a.jpg", "b.jpg", "c.png", "https://h/d")


@pytest.mark.parametrize(
    ("values", "kind", "field"),
    [
        ({"title": "Mug"}, FaultKind.MISSING_ID, "id"),
        ({"id": " "}, FaultKind.MISSING_ID, "id"),
        ({"id": "1", "title": "a\0b"}, FaultKind.NUL_BYTE, "title"),
        ({"id": "1", "title": "\ud800"}, FaultKind.UNDECODABLE_TEXT, "title"),
        ({"id": "1", "title": b"\xff"}, FaultKind.UNDECODABLE_TEXT, None),
    ],
)
def test_rows_that_give_no_product(
    values: dict[str, object], kind: FaultKind, field: str | None
) -> None:
    fault = mapped(["id", "title"]).product(RawRow("feed.jsonl", 1, values))
    assert isinstance(fault, Fault)
    assert (fault.kind, fault.field) == (kind, field)
