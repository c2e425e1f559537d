"""Taxonomies that their publishers offer for download: named in a word, fetched once and kept."""

from collections.abc import Mapping
from pathlib import Path

import httpx

from productnet.errors import TaxonomyError
from productnet.files import cache_folder, drafted
from productnet.taxonomy.readers import read_taxonomy
from productnet.taxonomy.tree import Taxonomy

# As published in English, with ids.
PUBLISHED: Mapping[str, str] = {
    "google": "https://www.google.com/basepages/producttype/taxonomy-with-ids.en-US.txt",
    "shopify": "https://raw.githubusercontent.com/Shopify/product-taxonomy/main/dist/en/categories.txt",
}

# The largest is 1.5 MB.
_MOST_BYTES = 20_000_000
_SECONDS = 30.0


def find_taxonomy(named: str) -> Taxonomy:
    """The taxonomy of a file, or a published one by its name.

    Raises TaxonomyError if there is neither, or it cannot be fetched or read.
    """
    file = Path(named)
    if file.exists() or named not in PUBLISHED:
        if not file.exists():
            known = " or ".join(f'"{name}"' for name in PUBLISHED)
            raise TaxonomyError(f"There is no taxonomy file {named}. Name a file, or {known}.")
        return read_taxonomy(file)
    kept = cache_folder() / "taxonomies" / f"{named}.txt"
    if not kept.exists():
        _fetch(named, kept)
    return read_taxonomy(kept, name=named)


def _fetch(name: str, place: Path) -> None:
    """Keep a published taxonomy, once it proves to be one."""
    url = PUBLISHED[name]
    try:
        with httpx.stream("GET", url, timeout=_SECONDS, follow_redirects=True) as answer:
            answer.raise_for_status()
            content = b""
            for piece in answer.iter_bytes():
                content += piece
                if len(content) > _MOST_BYTES:
                    raise TaxonomyError(f"{url} is longer than {_MOST_BYTES:,} bytes.")
        with drafted(place) as draft:
            draft.write_bytes(content)
            read_taxonomy(draft, format=name, name=name)
    except (httpx.HTTPError, OSError, TaxonomyError) as error:
        reason = str(error).partition("\n")[0]
        raise TaxonomyError(
            f'Taxonomy "{name}" is not here yet and cannot be fetched from {url}: {reason}. '
            f"Download it, and name the file, or save it as {place}."
        ) from error
