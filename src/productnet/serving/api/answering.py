"""From products as they were sent to answers as they are written, one by one."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, nullcontext
from http import HTTPStatus
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from productnet.catalog.schema import Product
from productnet.errors import ImageError, ProductNetError
from productnet.serving.api.bodies import AskedProduct, Result
from productnet.serving.api.reading import Picture, Pictures, as_product
from productnet.serving.service.batcher import Lane, Outcome
from productnet.serving.service.model_service import ModelService
from productnet.serving.service.served_model import Seen, ServedModel
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
        # Most requests have no picture, and need no task a product to wait for one.
        pictured = any(one.image or one.image_url for one in asked)
        pictures: AbstractAsyncContextManager[list[Picture]] = (
            self._pictures.of(asked) if pictured else nullcontext([None] * len(asked))
        )
        async with pictures as images:
            products = [
                image if isinstance(image, ImageError) else as_product(one, place=at, image=image)
                for at, (one, image) in enumerate(zip(asked, images, strict=True), place)
            ]
            model, future = await self._submit(
                [one for one in products if isinstance(one, Product)], lane
            )
            looked = await asyncio.wrap_future(future)

            def answers() -> list[R]:
                found = iter(looked)
                outcomes = (one if isinstance(one, ImageError) else next(found) for one in products)
                return [
                    self._answer(model, one.id or str(at), outcome, answering, kind)
                    for at, (one, outcome) in enumerate(zip(asked, outcomes, strict=True), place)
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
        name: str,
        outcome: Outcome[Seen],
        answering: Answering[R],
        kind: type[R],
    ) -> R:
        if isinstance(outcome, Exception):
            return kind(id=name, model=model.name, error=self._problem_of(outcome))
        try:
            return answering(model, name, outcome)
        except Exception as error:  # such as a disk that fails: the others have their answers
            return kind(id=name, model=model.name, error=self._problem_of(error))

    def _problem_of(self, error: Exception) -> Problem:
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
