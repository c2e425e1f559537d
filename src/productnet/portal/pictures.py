"""Pictures on their way out: encoded anew, so that no byte of a feed reaches a browser."""

import io
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from PIL import Image

# Bytes of encoded pictures kept in memory: some six thousand thumbnails.
_KEPT = 64_000_000

_QUALITY = 85


class Pictures:
    """Encodes pictures, the last ones kept; safe to share between threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, ...], bytes] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def encoded(self, key: tuple[str, ...], read: Callable[[], bytes]) -> tuple[bytes, str]:
        """A picture and its media type: JPEG, or WebP where parts of it are transparent.

        Args:
            key: What tells this picture, in this version, from all others.
            read: Gives the picture as it is stored, if it is not kept.
        """
        with self._lock:
            data = self._kept.get(key)
            if data is not None:
                self._kept.move_to_end(key)
        if data is None:
            data = _encoded_anew(read())
            self._keep(key, data)
        return data, "image/jpeg" if data.startswith(b"\xff\xd8") else "image/webp"

    def _keep(self, key: tuple[str, ...], data: bytes) -> None:
        with self._lock:
            if key not in self._kept:
                self._bytes += len(data)
            self._kept[key] = data
            while self._bytes > _KEPT:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= len(oldest)


def _encoded_anew(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        transparent = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
        if transparent:
            image.convert("RGBA").save(buffer, "WEBP", quality=_QUALITY)
        else:
            image.convert("RGB").save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
