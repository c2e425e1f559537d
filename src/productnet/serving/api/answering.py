"""From products as they were sent to answers as they are written, one by one."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from http import HTTPStatus
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from productnet.catalog.schema import Product
from productnet.errors import ImageError, ProductNetError
from productnet.serving.api.bodies import AskedProduct, Result
from productnet.serving.api.reading import Pictures, as_product
from productnet.serving.batcher import Lane, Outcome
from productnet.serving.served_model import Seen, ServedModel
from productnet.serving.service import ModelService
from productnet.web.problems import Problem, status_of

_logger = logging.getLogger(__name__)

R = TypeVar("R", bound=Result)

# Makes the answer of a product out of what the model said of it.
Answering = Callable[[ServedModel, str, Seen], R]


class Answers:
    """Asks the service about products as they were sent.

    Args:
        service: What answers.
        pictures: Has their pictures.
    """

    def __init__(self, service: ModelService, pictures: Pictures) -> None:
        self.service = service
        self._pictures = pictures

    async def of(
        self,
        asked: Sequence[AskedProduct],
        answering: Answering[R],
        kind: type[R],
        *,
        place: int = 1,
        lane: Lane | None = None,
        slow: bool = False,
    ) -> list[R]:
        """An answer a product, in their order; of one that cannot be used, why.

        Args:
            asked: Products.
            answering: Makes an answer.
            kind: What it makes, for products that have none.
            place: Of the first product, for those without an id.
            lane: Who waits; told by how many products there are, when None.
            slow: Whether to make answers in a thread, because they read from disk.

        Raises:
            Overloaded: They could not be answered in time.
            ServiceClosed: The service is closing down.
        """
        if any(one.image or one.image_url for one in asked):
            async with self._pictures.of(asked) as images:
                return await self._of(asked, images, answering, kind, place, lane, slow)
        none: list[bytes | ImageError | None] = [None] * len(asked)
        return await self._of(asked, none, answering, kind, place, lane, slow)

    async def _of(
        self,
        asked: Sequence[AskedProduct],
        images: Sequence[bytes | ImageError | None],
        answering: Answering[R],
        kind: type[R],
        place: int,
        lane: Lane | None,
        slow: bool,
    ) -> list[R]:
        products: list[Product | ImageError] = [
            image if isinstance(image, ImageError) else as_product(one, place=number, image=image)
            for number, (one, image) in enumerate(zip(asked, images, strict=True), place)
        ]
        usable = [one for one in products if isinstance(one, Product)]
        model, future = await self._submit(usable, lane)
        found = await asyncio.wrap_future(future)
        outcomes = iter(found)

        def answers() -> list[R]:
            return [
                self._answer(model, one, ids, product, outcomes, answering, kind)
                for one, ids, product in zip(
                    asked, range(place, place + len(asked)), products, strict=True
                )
            ]

        return await run_in_threadpool(answers) if slow else answers()

    async def _submit(
        self, products: list[Product], lane: Lane | None
    ) -> tuple[ServedModel, "Future[list[Outcome[Seen]]]"]:
        if any(one.image for one in products):
            # Pictures are checked, and those that are too large scaled down.
            return await run_in_threadpool(self.service.submit, products, lane=lane)
        return self.service.submit(products, lane=lane)

    def _answer(
        self,
        model: ServedModel,
        asked: AskedProduct,
        place: int,
        product: Product | ImageError,
        outcomes: Iterator[Outcome[Seen]],
        answering: Answering[R],
        kind: type[R],
    ) -> R:
        name = asked.id or str(place)
        outcome = product if isinstance(product, ImageError) else next(outcomes)
        if isinstance(outcome, Exception):
            return kind(id=name, model=model.name, error=self.problem_of(outcome))
        try:
            return answering(model, name, outcome)
        except Exception as error:  # such as a disk that fails: the others have their answers
            return kind(id=name, model=model.name, error=self.problem_of(error))

    def problem_of(self, error: Exception) -> Problem:
        """What is wrong with one product, as the others of its request or stream are told."""
        if isinstance(error, ProductNetError):
            status, detail = status_of(error), str(error)
        else:
            _logger.error("A product failed", exc_info=error)
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            detail = "The model failed at this product. It has been logged; leave the product out."
        # A text that is repeated may hold half a character, which is no UTF-8.
        detail = detail.encode("utf-8", "replace").decode()
        return Problem.of(status, detail)
