"""Mapped products with their images loaded, on all cores, in the order of the feed.

A product is passed over, its images not decoded, when its fingerprint says that nothing changed.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from productnet.catalog.fetch import Fetcher
from productnet.catalog.image_sources import ImageSources, is_url
from productnet.catalog.images import BadImage, LoadedImage, load_image
from productnet.catalog.known import digest
from productnet.catalog.mapping import MappedProduct
from productnet.catalog.readers.rows import Fault
from productnet.catalog.schema import IMAGE, MORE_IMAGES, Product
from productnet.engine.cores import cores
from productnet.settings import ImageSettings

# Grows when an import would make something else of the same feed.
_RECIPE = b"1"

# An image's bytes as they arrived; a URL's are None until they are fetched.
Arrived = bytes | BadImage | None

# Products being worked on; their images are in memory.
_LOCAL_WINDOW = 64


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a mapped product.

    Attributes:
        mapped: The product as the feed has it.
        product: It with its images; None when nothing changed since the pool's version.
        faults: One for each image that could not be used.
    """

    mapped: MappedProduct
    product: Product | None
    faults: tuple[Fault, ...] = ()


# Tells of (id, fingerprint) whether the pool's product is the same and complete.
IsCurrent = Callable[[str, bytes], bool]


class ProductLoader:
    """Loads the images of products, several at a time.

    In flight are 64 products, or twice ``images.concurrency`` while URLs are fetched, whichever
    is more. An encoded image has at most ``images.max_bytes``, and as many are decoded at once as
    there are cores, each in 4 bytes for each of at most ``images.max_pixels``.
    """

    def __init__(
        self, folder: Path, settings: ImageSettings, is_current: IsCurrent, *, seed: int = 0
    ) -> None:
        self._settings = settings
        self._is_current = is_current
        self._seed = seed
        self._window = max(_LOCAL_WINDOW, 2 * settings.concurrency)
        self._sources = ImageSources(folder, max_bytes=settings.max_bytes)
        self._workers = ThreadPoolExecutor(cores(), thread_name_prefix="decode")
        self._fetcher: Fetcher | None = None
        self._opened = ExitStack()

    def __enter__(self) -> "ProductLoader":
        self._opened.enter_context(self._sources)
        self._opened.callback(self._workers.shutdown, cancel_futures=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def load(self, products: Iterable[MappedProduct]) -> Iterator[Loaded]:
        """The products in the order given, a window of them being worked on ahead."""
        pending: deque[Loaded | Future[Loaded]] = deque()
        for mapped in products:
            pending.append(self._start(mapped))
            if len(pending) >= self._window:
                yield _result(pending.popleft())
        while pending:
            yield _result(pending.popleft())

    def _start(self, mapped: MappedProduct) -> "Loaded | Future[Loaded]":
        if not mapped.images:
            return self._load(mapped)
        if not any(is_url(image) for image in mapped.images):
            return self._workers.submit(self._load, mapped)
        if self._fetcher is None:
            self._fetcher = self._opened.enter_context(Fetcher(self._settings, seed=self._seed))
        return self._fetcher.submit(self._load_remote(mapped, self._fetcher))

    def _load(self, mapped: MappedProduct) -> Loaded:
        arrived = [self._read(mapped, place) for place in range(len(mapped.images))]
        fingerprint = self._fingerprint(mapped, arrived)
        if self._is_current(mapped.id, fingerprint):
            return Loaded(mapped, None)
        return self._finish(mapped, arrived, fingerprint)

    async def _load_remote(self, mapped: MappedProduct, fetcher: Fetcher) -> Loaded:
        run = asyncio.get_running_loop().run_in_executor
        places = range(len(mapped.images))
        arrived = [await run(self._workers, self._read, mapped, place) for place in places]
        fingerprint = self._fingerprint(mapped, arrived)
        if self._is_current(mapped.id, fingerprint):
            return Loaded(mapped, None)
        fetched = await asyncio.gather(
            *(_fetch(fetcher, mapped, place) for place in places if arrived[place] is None)
        )
        waiting = iter(fetched)
        arrived = [next(waiting) if image is None else image for image in arrived]
        return await run(self._workers, self._finish, mapped, arrived, fingerprint)

    def _read(self, mapped: MappedProduct, place: int) -> Arrived:
        reference = mapped.images[place]
        if is_url(reference):
            return None
        try:
            return self._sources.read(reference)
        except BadImage as error:
            return error

    def _fingerprint(self, mapped: MappedProduct, arrived: Sequence[Arrived]) -> bytes:
        """Over everything the feed says of a product; of a URL, over the URL alone."""
        parts = [_RECIPE]
        for name, text in sorted(mapped.texts.items()):
            parts += [name.encode(), text.encode()]
        parts += [b"group", (mapped.group or "").encode()]
        if mapped.images:
            sizes = (self._settings.max_side, self._settings.thumbnail_side)
            parts.append(repr(sizes).encode())
        for reference, image in zip(mapped.images, arrived, strict=True):
            parts.append(image if isinstance(image, bytes) else str(image or reference).encode())
        return digest(b"".join(len(part).to_bytes(8) + part for part in parts))

    def _finish(
        self, mapped: MappedProduct, arrived: Sequence[Arrived], fingerprint: bytes
    ) -> Loaded:
        main: LoadedImage | None = None
        more: list[bytes] = []
        faults: list[Fault] = []
        for place, image in enumerate(arrived):
            try:
                loaded = self._decoded(image, thumbnail=place == 0)
            except BadImage as error:
                faults.append(error.fault(MORE_IMAGES if place else IMAGE))
                continue
            if place == 0:
                main = loaded
            else:
                more.append(loaded.data)
        product = Product(
            id=mapped.id,
            texts=mapped.texts,
            group=mapped.group,
            image=main.data if main else None,
            more_images=tuple(more),
            thumbnail=main.thumbnail if main else None,
            image_error=" ".join(f"{fault.field}: {fault.reason}" for fault in faults) or None,
            fingerprint=fingerprint,
        )
        return Loaded(mapped, product, tuple(faults))

    def _decoded(self, image: Arrived, *, thumbnail: bool) -> LoadedImage:
        if isinstance(image, BadImage):
            raise image
        return load_image(image or b"", self._settings, thumbnail=thumbnail)


async def _fetch(fetcher: Fetcher, mapped: MappedProduct, place: int) -> Arrived:
    try:
        return await fetcher.fetch(str(mapped.images[place]))
    except BadImage as error:
        return error


def _result(pending: "Loaded | Future[Loaded]") -> Loaded:
    return pending if isinstance(pending, Loaded) else pending.result()
