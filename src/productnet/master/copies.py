"""Which products are copies of one another, as far as calibration needs to know."""

from collections.abc import Mapping

import numpy as np

from productnet.catalog.texts import distinct_words
from productnet.master.products import Products

_TITLE = "title"


def number_groups(products: Products, groups: Mapping[str, str] | None) -> np.ndarray:
    """A number for each product, (N,) int64, that its near-duplicates share.

    Args:
        products: N products.
        groups: Product id to the key of its group; a product that is not there stands alone. By
            default products whose titles (or texts, where there are no titles) have the same words
            are taken for copies.
    """
    ids = products.ids.to_pylist()
    if groups is None:
        fields = (_TITLE,) if _TITLE in products.text_fields else products.text_fields
        texts = products.texts(fields) if fields else [None] * len(products)
        groups = {
            product: " ".join(words)
            for product, text in zip(ids, texts, strict=True)
            if (words := distinct_words(text or ""))
        }
    # A pair, so that no id is mistaken for a key.
    keys = [(True, groups[product]) if product in groups else (False, product) for product in ids]
    number = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    return np.array([number[key] for key in keys], np.int64)
