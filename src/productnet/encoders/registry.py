"""Every encoder by name.

The ones of the tables work without network access: their weights ship in packages. Beside them,
``timm:NAME`` is any image model of timm, ``timm:inception_v4`` among them, and
``sentence-transformers:NAME`` any sentence-transformer, by hub name or local folder.
"""

import hashlib
import re
from collections.abc import Callable
from functools import cache

from productnet.encoders.base import ImageEncoder, TextEncoder
from productnet.registry import Entry, Registry

IMAGE_ENCODERS = Registry[Callable[[], ImageEncoder]](
    "image encoder",
    {
        "efficientnet-lite0": Entry(
            "productnet.encoders.efficientnet:lite0",
            "EfficientNet-Lite0, ImageNet weights, 1280-d; ships in a package",
        ),
        "efficientnet-lite1": Entry(
            "productnet.encoders.efficientnet:lite1",
            "EfficientNet-Lite1, 240 px; half as fast, its view differs from the others'",
        ),
        "efficientnet-lite2": Entry(
            "productnet.encoders.efficientnet:lite2",
            "EfficientNet-Lite2, 260 px; half as fast, a little more accurate",
        ),
    },
)

TEXT_ENCODERS = Registry[Callable[[], TextEncoder]](
    "text encoder",
    {
        "minilm": Entry(
            "productnet.encoders.minilm:MiniLM",
            "all-MiniLM-L6-v2, 384-d; ships in a package",
        ),
        "static": Entry(
            "productnet.encoders.static:Static",
            "token vectors distilled from MiniLM, 256-d; 50 times faster, a little less accurate",
        ),
    },
)

# Families of encoders whose members another library names: prefix to its class.
IMAGE_FAMILIES = Registry[Callable[[str], ImageEncoder]](
    "family of image encoders",
    {"timm": Entry("productnet.encoders.timm_models:TimmEncoder", "timm:NAME, any model of timm")},
)

TEXT_FAMILIES = Registry[Callable[[str], TextEncoder]](
    "family of text encoders",
    {
        "sentence-transformers": Entry(
            "productnet.encoders.sentence_models:SentenceEncoder",
            "sentence-transformers:NAME, any of the hub or a local folder",
        ),
    },
)


@cache
def image_encoder(name: str) -> ImageEncoder:
    """The image encoder of this name, loaded once a process; safe to share between threads.

    Raises:
        UnknownName: No encoder is called so.
        EncoderError: Its library or weights are missing here.
    """
    family, colon, member = name.partition(":")
    return IMAGE_FAMILIES[family](member) if colon else IMAGE_ENCODERS[name]()


@cache
def text_encoder(name: str) -> TextEncoder:
    """The text encoder of this name, loaded once a process. Raises as ``image_encoder`` does."""
    family, colon, member = name.partition(":")
    return TEXT_FAMILIES[family](member) if colon else TEXT_ENCODERS[name]()


def encoder_slug(name: str) -> str:
    """The name as a file name; different names give different ones."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    if slug == name:
        return slug
    return f"{slug}-{hashlib.blake2b(name.encode(), digest_size=4).hexdigest()}"
