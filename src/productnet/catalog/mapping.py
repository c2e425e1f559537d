"""Which column of a feed fills which field of a product, and rows made into products by it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from productnet.catalog import texts
from productnet.catalog.image_sources import ImageReference, image_references
from productnet.catalog.readers.rows import Fault, FaultKind, RawRow, Values
from productnet.catalog.schema import GROUP, ID, IMAGE, MORE_IMAGES
from productnet.errors import UsageError, did_you_mean

# Well-known column names of each field, the likeliest first, spelt as ``normal`` spells them.
WELL_KNOWN: dict[str, tuple[str, ...]] = {
    ID: ("id", "product_id", "productid", "item_id", "uniq_id", "asin", "sku", "handle",
         "file_name"),
    GROUP: ("group", "item_group_id", "group_id", "parent_id", "parent_sku", "parent_asin"),
    IMAGE: ("image", "image_link", "image_url", "image_path", "image_src", "main_image",
            "primary_image", "images", "image_urls", "img", "picture", "photo", "file_name"),
    MORE_IMAGES: ("more_images", "additional_image_link", "additional_images",
                  "additional_image_urls", "images", "image_urls"),
    "title": ("title", "name", "product_name", "product_title", "item_name",
              "product_display_name", "productdisplayname"),
    "description": ("description", "body_html", "product_description", "long_description",
                    "body", "short_description"),
    "bullet_points": ("bullet_points", "bullets", "features", "product_highlight",
                      "product_highlights", "highlights", "key_features", "about_product"),
    "brand": ("brand", "brand_name", "vendor", "manufacturer"),
    "search_keywords": ("search_keywords", "search_terms", "keywords", "tags"),
    "subject_keywords": ("subject_keywords", "subjects", "subject"),
    "attribute_keywords": ("attribute_keywords", "attributes", "options", "product_detail",
                           "product_details", "specifications", "specs", "color", "colour",
                           "size", "material", "pattern", "style", "gender", "age_group",
                           "usage"),
}  # fmt: skip

# Fields that take every well-known column a feed has; the others take the likeliest one.
JOINED = frozenset({MORE_IMAGES, "search_keywords", "subject_keywords", "attribute_keywords"})

# Columns of one attribute each, which say more with their name: "colour Red".
_ATTRIBUTES = frozenset(
    {"color", "colour", "size", "material", "pattern", "style", "gender", "age_group", "usage"}
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_TEXT = frozenset({ID, GROUP, IMAGE, MORE_IMAGES})

# A column that may hold the answer fills a text only when someone says so with --map.
_CATEGORY_LIKE = re.compile(
    r"categor|label|taxonomy|product_type|gpt_path|gpc|^type$|^class$|^department$|breadcrumb"
)


@cache
def normal(column: str) -> str:
    """A column name in lower case with underscores: ``Body (HTML)`` is ``body_html``."""
    return re.sub(r"[^0-9a-z]+", "_", column.lower().removeprefix("g:")).strip("_")


@dataclass(frozen=True, slots=True)
class MappedProduct:
    """A product as the mapping makes it of a row: its texts ready, its images still references."""

    file: str
    line: int
    id: str
    texts: dict[str, str]
    group: str | None = None
    images: tuple[ImageReference, ...] = field(default=(), repr=False)
    reference: str | None = None
    labels: str | None = None

    @property
    def described_images(self) -> tuple[str, ...]:
        """The image references for people; bytes by their number."""
        return tuple(
            f"{len(image):,} bytes" if isinstance(image, bytes) else image for image in self.images
        )


@dataclass(frozen=True, slots=True)
class FeedMapping:
    """Columns by field.

    Attributes:
        columns: Field to the columns that fill it, in the order of a product's fields.
        unmapped: Columns that fill nothing.
        held_back: Those of the unmapped that look like categories. They may hold the answer that
            people are to find, so they fill a text only when asked to.
        reference: Column whose text is kept apart for evaluation.
        labels: Column whose text becomes imported decisions.
    """

    columns: dict[str, tuple[str, ...]]
    unmapped: tuple[str, ...]
    held_back: tuple[str, ...]
    reference: str | None = None
    labels: str | None = None

    def product(self, row: RawRow) -> MappedProduct | Fault:
        """The row as a product, or the fault that keeps it from being one."""
        if row.error is not None:
            return row.error
        try:
            product_id = self._text(ID, row.values)
            if product_id is None:
                return Fault(FaultKind.MISSING_ID, "The row has no id.", ID)
            filled = {
                name: text
                for name in self.columns
                if name not in _NOT_TEXT and (text := self._text(name, row.values)) is not None
            }
            product = MappedProduct(
                file=row.file,
                line=row.line,
                id=product_id,
                texts=filled,
                group=self._text(GROUP, row.values),
                images=self._images(row.values),
                reference=texts.plain(row.values.get(self.reference or "")),
                labels=texts.plain(row.values.get(self.labels or "")),
            )
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            reason = f"A text holds byte 0x{byte:02x}, which is not UTF-8."
            return Fault(FaultKind.UNDECODABLE_TEXT, reason)
        return _unstorable(product) or product

    def _text(self, name: str, values: Values) -> str | None:
        style = _style(name)
        parts = [
            f"{column} {text}" if normal(column) in _ATTRIBUTES else text
            for column in self.columns.get(name, ())
            if (text := style(values.get(column))) is not None
        ]
        return ("; " if style is texts.keywords else "\n").join(parts) or None

    def _images(self, values: Values) -> tuple[ImageReference, ...]:
        columns = (*self.columns.get(IMAGE, ()), *self.columns.get(MORE_IMAGES, ()))
        found = (image for column in columns for image in image_references(values.get(column)))
        return tuple(dict.fromkeys(found))


def map_columns(
    columns: Sequence[str],
    fields: Sequence[str],
    *,
    overrides: Mapping[str, str],
    reference: str | None = None,
    labels: str | None = None,
) -> FeedMapping:
    """Decide which columns fill which fields.

    Args:
        columns: The feed's columns.
        fields: The project's text fields.
        overrides: Field to column, or columns with commas between; an empty text leaves the field
            empty. They win over the well-known names.
        reference: Column kept apart for evaluation; it fills no text.
        labels: Column of existing labels; it fills no text.

    Raises UsageError for a field or column that does not exist, for a reference or labels column
    that is asked to fill a text, and when nothing fills ``id``.
    """
    for option, column in (("--reference", reference), ("--labels", labels)):
        if column is not None:
            _check_column(column, columns, asked=f"{option} {column}")
    secret = {column for column in (reference, labels) if column is not None}
    chosen = {
        name: _overriding(name, value, columns, fields, secret) for name, value in overrides.items()
    }
    chosen |= _well_known(columns, fields, chosen, secret)
    if not chosen.get(ID):
        raise UsageError(
            f"No column of this feed looks like a product id. Name it with --map id=COLUMN. "
            f"Columns: {', '.join(columns)}."
        )
    used = secret.union(*chosen.values())
    unmapped = tuple(column for column in columns if column not in used)
    return FeedMapping(
        columns={name: chosen[name] for name in _targets(fields) if chosen.get(name)},
        unmapped=unmapped,
        held_back=tuple(column for column in unmapped if _category_like(column)),
        reference=reference,
        labels=labels,
    )


def _overriding(
    name: str, value: str, columns: Sequence[str], fields: Sequence[str], secret: set[str]
) -> tuple[str, ...]:
    asked = f"--map {name}={value}"
    if name not in _targets(fields):
        hint = did_you_mean(name, _targets(fields))
        raise UsageError(f'{asked}: a product has no field "{name}". {hint}'.rstrip())
    named = [value] if value in columns else [part.strip() for part in value.split(",")]
    named = [column for column in named if column]
    for column in named:
        _check_column(column, columns, asked=asked)
        if column in secret and name not in _NOT_TEXT:
            raise UsageError(
                f'{asked}: column "{column}" is this import\'s reference or labels. In a text '
                "field it would give the answer away. Leave it out."
            )
    return tuple(named)


def _check_column(column: str, columns: Sequence[str], *, asked: str) -> None:
    if column not in columns:
        hint = did_you_mean(column, columns)
        raise UsageError(f'{asked}: the feed has no column "{column}". {hint}'.rstrip())


def _well_known(
    columns: Sequence[str],
    fields: Sequence[str],
    chosen: Mapping[str, tuple[str, ...]],
    secret: set[str],
) -> dict[str, tuple[str, ...]]:
    """Columns for the fields not chosen yet, by name; none is used for two texts."""
    taken = secret.union(*(chosen[name] for name in chosen if name != ID))
    known: dict[str, str] = {}
    for column in columns:
        if column not in taken and not _category_like(column):
            known.setdefault(normal(column), column)
    found: dict[str, tuple[str, ...]] = {}
    # A field of the project's own comes before the fields that gather what is left.
    for name in sorted(_targets(fields), key=lambda name: (name in JOINED, name in WELL_KNOWN)):
        if name in chosen:
            continue
        names = WELL_KNOWN.get(name, (normal(name),))
        matches = [known[alias] for alias in names if alias in known]
        found[name] = tuple(matches if name in JOINED else matches[:1])
        if name != ID:  # an id such as a file name may also be an image
            known = {alias: column for alias, column in known.items() if column not in found[name]}
    return found


def _targets(fields: Sequence[str]) -> tuple[str, ...]:
    return (ID, *fields, GROUP, IMAGE, MORE_IMAGES)


def _category_like(column: str) -> bool:
    return _CATEGORY_LIKE.search(normal(column)) is not None


def _style(name: str) -> Callable[[object], str | None]:
    if name in (ID, GROUP):
        return texts.plain
    return texts.keywords if name in JOINED else texts.prose


def _unstorable(product: MappedProduct) -> Fault | None:
    """A text that JSON can spell and no column can hold: half a character, or NUL."""
    paths = {IMAGE: " ".join(image for image in product.images if isinstance(image, str))}
    named = {ID: product.id, **product.texts, GROUP: product.group, **paths}
    named |= {"reference": product.reference, "labels": product.labels}
    for name, text in named.items():
        if not text:
            continue
        if "\0" in text:
            return Fault(FaultKind.NUL_BYTE, f"{name} holds a NUL character.", name)
        if not text.isascii() and _SURROGATE.search(text):
            reason = f"{name} holds half of a surrogate pair, which is no character."
            return Fault(FaultKind.UNDECODABLE_TEXT, reason, name)
    return None
