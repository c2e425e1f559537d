"""Every engine by name, and the one that is asked for."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from productnet.engine.base import Engine
from productnet.registry import Entry, Registry
from productnet.settings import EngineSettings

DEFAULT = "local"

ENGINES = Registry[Callable[[EngineSettings], AbstractContextManager[Engine]]](
    "engine",
    {
        DEFAULT: Entry("productnet.engine.local:opened", "this process, on all its cores"),
        "ray": Entry(
            "productnet.engine.ray:opened", "the workers of a Ray cluster, or of one made here"
        ),
    },
)


def open_engine(
    settings: EngineSettings, *, name: str | None = None, address: str | None = None
) -> AbstractContextManager[Engine]:
    """The engine of these settings, or of another name or address; closed when the context ends.

    An address without a name is one of Ray's.

    Raises:
        UnknownName: There is no such engine.
        EngineError: Its library is missing, or no cluster answers at the address.
    """
    if name is None and address is not None:
        name = "ray"
    chosen = {"name": name or settings.name, "address": address or settings.address}
    return ENGINES[chosen["name"] or ""](settings.model_copy(update=chosen))
