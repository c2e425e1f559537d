"""A source made for what somebody asks: its name, and the options that single sources take."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from productnet.errors import UsageError
from productnet.local.ask import Ask
from productnet.local.registry import LOCAL_MODELS
from productnet.retrieval.candidates import Source
from productnet.retrieval.registry import DEFAULT, SOURCES

# The source that each option belongs to.
OWNER = {
    "ask": "active",
    "model": "active",
    "query": "keyword",
    "fields": "keyword",
    "ids": "adhoc",
    "text": "adhoc",
    "image": "adhoc",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Options of single sources; None where they were not given.

    Attributes:
        ask: What the local model is asked for.
        model: A name of ``LOCAL_MODELS``.
        query: Words to search, in the form that ``parse_query`` explains.
        fields: Text fields to search.
        ids: Product ids, as a text or a list.
        text: A text that products shall be like.
        image: An encoded image, or its URL.
    """

    ask: str | None = None
    model: str | None = None
    query: str | None = None
    fields: Sequence[str] | None = None
    ids: str | Sequence[str] | None = None
    text: str | None = None
    image: bytes | str | None = None

    @property
    def given(self) -> list[str]:
        """The names of the options that were given."""
        return [option.name for option in fields(self) if getattr(self, option.name) is not None]


def source_for(name: str | None, asked: Asked) -> Source:
    """The source of this name, or the one that the options are for, made as they say.

    Raises:
        UnknownName: There is no such source, or no such local model.
        UsageError: An option is another source's, or has no such value.
    """
    owners = [OWNER[option] for option in asked.given]
    name = name or next(iter(owners), DEFAULT)
    kind = SOURCES[name]
    for option, owner in zip(asked.given, owners, strict=True):
        if owner != name:
            raise UsageError(
                f'"{option}" is for source {owner}, not for {name}. Leave one of them out.'
            )
    make = {"active": _active, "keyword": _keyword, "adhoc": _adhoc}.get(name)
    return make(asked) if make else kind()


def _active(asked: Asked) -> Source:
    from productnet.retrieval.active import Active

    if asked.model is not None:
        LOCAL_MODELS[asked.model]  # the source would notice only once there are labels
    try:
        ask = Ask.POSITIVES if asked.ask is None else Ask(asked.ask)
    except ValueError:
        raise UsageError(f'"ask" takes {", ".join(Ask)}; not "{asked.ask}".') from None
    return Active(ask, model=asked.model)


def _keyword(asked: Asked) -> Source:
    from productnet.retrieval.keyword import Keyword

    return Keyword(asked.query, fields=asked.fields or ())


def _adhoc(asked: Asked) -> Source:
    from productnet.retrieval.adhoc import AdHoc

    return AdHoc(ids=asked.ids, text=asked.text, image=asked.image)
