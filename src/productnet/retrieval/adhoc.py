"""``adhoc``: what a person asks for now: pasted product ids, a text, an image or its URL."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from productnet.catalog.fetch import fetch_pasted
from productnet.catalog.images import load_image
from productnet.encoders.texts import MAX_CHARACTERS, well_formed
from productnet.errors import EmbeddingError, UnknownProduct, UsageError
from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.nearest import Nearest
from productnet.retrieval.resources import Resources
from productnet.settings import ImageSettings

_MOST_IDS = 10_000

# Tried one after another on what is no id as it stands, so that ids with spaces or commas work.
_SEPARATORS = tuple(re.compile(one) for one in (r"[\r\n]+", r"[\t;,|]+", r"\s+"))
_AROUND = " \t\"'`“”‘’[](){}"

# Characters of a text that a reason repeats.
_QUOTED = 40


class AdHoc:
    """Takes products named by id, then those most like the text and the image given.

    A text and an image are encoded here and now and compared in the initial embedding set: a text
    with what products say, an image with what they show, both together with both. Ids alone are
    followed by the neighbours of the products they name. Without any of these the leaf's name is
    the text: the whole path finds fewer of the leaf's own.

    Args:
        ids: Product ids, or a text of ids with anything between them: lines, commas,
            semicolons, bars, tabs, spaces, quotation marks. Those not in the pool are passed
            over; ``unknown`` tells them.
        text: In any words; what follows the first 2,000 characters is not read.
        image: An encoded image, or its URL, which must be of a public host.

    Raises:
        UsageError: The text is empty.
    """

    keeps_order = True

    def __init__(
        self,
        *,
        ids: str | Sequence[str] | None = None,
        text: str | None = None,
        image: bytes | str | None = None,
    ) -> None:
        if text is not None and not text.strip():
            raise UsageError("The text to look for is empty. Give a few words.")
        self._ids = ids
        self._text = None if text is None else _cut(text)
        self._image = image
        self._loaded: bytes | None = None

    def rank(
        self, leaf: Leaf, resources: Resources, *, count: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """The products named, in their order, then the nearest.

        Raises:
            UnknownProduct: Not one of the ids is in the pool.
            UsageError: There are no ids in what was given, or too many.
            ImageError: The image cannot be fetched or decoded, or is too large.
            EmbeddingError: There are no embeddings, or none of this modality.
        """
        named, unknown = self._named(resources)
        if unknown and not named:
            raise UnknownProduct(
                f'None of the {len(unknown)} ids given is in the pool; the first is "{unknown[0]}".'
                " Check that they are ids of this project's feeds."
            )
        page = [
            Candidate(product, "adhoc", 1.0, "named by id")
            for product in named
            if product not in leaf.hidden
        ][:count]
        wanted = count - len(page)
        if not wanted:
            return page
        if self._text is None and self._image is None and named:
            among = replace(leaf.without(named), positives=named, negatives=())
            return page + Nearest().rank(among, resources, count=wanted, rng=rng)
        return page + self._nearest(leaf.without(named), resources, count=wanted)

    def unknown(self, resources: Resources) -> list[str]:
        """What was given as an id and is none of the pool's, each once."""
        return self._named(resources)[1]

    def _named(self, resources: Resources) -> tuple[list[str], list[str]]:
        if self._ids is None:
            return [], []
        return find_ids(self._ids, resources.ids)

    def _nearest(self, leaf: Leaf, resources: Resources, *, count: int) -> list[Candidate]:
        space = resources.outside
        for modality, given in (("text", self._text), ("image", self._image)):
            if given is not None and modality not in space.modalities:
                raise EmbeddingError(
                    f"No product of this project was embedded by its {modality}, so there is "
                    f"nothing to compare this {modality} with."
                )
        text, image = self._text, self._loaded_image(resources.project.settings.images)
        if text is None and image is None:
            text = _cut(leaf.category.name)
        found = space.nearest(text=text, image=image, count=count + len(leaf.hidden))
        reason = _reason(text, image)
        return [
            Candidate(product, "adhoc", min(max((1 + cosine) / 2, 0.0), 1.0), reason)
            for product, cosine in found
            if product not in leaf.hidden
        ][:count]

    def _loaded_image(self, settings: ImageSettings) -> bytes | None:
        """The image as the pool would hold it; the next page does not fetch it again."""
        given = self._image
        if self._loaded is None and given is not None:
            data = fetch_pasted(given, settings) if isinstance(given, str) else given
            self._loaded = load_image(data, settings, thumbnail=False).data
        return self._loaded


def find_ids(given: str | Sequence[str], pool: pa.StringArray) -> tuple[list[str], list[str]]:
    """The ids that a text or a list names, each once, in order: those of the pool, and others.

    A text is cut at line ends, then at commas, semicolons, bars and tabs, then at spaces; what
    is an id as it stands is not cut further. Quotation marks and brackets around an id do not
    matter. Raises UsageError for none, or more than 10,000.
    """
    if not isinstance(given, str):
        pieces = list(dict.fromkeys(well_formed(one) for one in given))
        known = _known(pieces, pool)
    else:
        pieces, known = [well_formed(given)], {}
        for separator in _SEPARATORS:
            pieces = [
                part
                for piece in pieces
                for part in ([piece] if piece in known else separator.split(piece))
                if part.strip(_AROUND)
            ]
            known = _known(pieces, pool)
    named = dict.fromkeys(known[piece] for piece in pieces if piece in known)
    unknown = dict.fromkeys(piece.strip(_AROUND) for piece in pieces if piece not in known)
    return list(named), list(unknown)


def _known(pieces: Sequence[str], pool: pa.StringArray) -> dict[str, str]:
    """The id of the pool that each of these pieces is, with or without marks around it."""
    if not pieces:
        raise UsageError("There is no product id in what was given.")
    if len(pieces) > _MOST_IDS:
        raise UsageError(
            f"{len(pieces):,} ids are more than {_MOST_IDS:,}. Give them in several parts."
        )
    bare = {piece: piece.strip(_AROUND) for piece in pieces}
    asked = pa.array({*bare, *bare.values()}, pa.string())
    ids = set(pool.filter(pc.is_in(pool, value_set=asked)).to_pylist())
    return {
        piece: piece if piece in ids else stripped
        for piece, stripped in bare.items()
        if piece in ids or stripped in ids
    }


def _cut(text: str) -> str:
    return well_formed(text[:MAX_CHARACTERS])


def _reason(text: str | None, image: bytes | None) -> str:
    if text is None:
        return "looks like the picture given"
    words = " ".join(text.split())
    quoted = words if len(words) <= _QUOTED else f"{words[: _QUOTED - 1].rstrip()}…"
    return f'reads like "{quoted}"' if image is None else f'is like the picture and "{quoted}"'
