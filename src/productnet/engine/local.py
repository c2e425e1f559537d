"""This process as the engine: one piece after another; functions use its cores by themselves."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from productnet.engine.base import Done, Engine, Item, Piece, Result, Stage
from productnet.progress import Advance, unseen
from productnet.settings import EngineSettings


class Local:
    """See ``Engine``; pieces come in order."""

    name = "local"
    apart = False

    def stream(
        self,
        pieces: Sequence[Piece],
        read: Callable[[Piece], Iterable[pa.RecordBatch]],
        stages: Sequence[Stage],
        *,
        advance: Advance = unseen,
    ) -> Iterator[Done]:
        """See ``Engine.stream``."""
        functions = [stage.make() for stage in stages if not stage.ahead]
        for number, piece in enumerate(pieces):
            done = Done(number, [])
            for batch in read(piece):
                rows = batch.num_rows
                for function in functions:
                    batch = function(batch)
                done.batches.append(batch)
                advance(rows)
            yield done

    def each(
        self, make: Callable[[], Callable[[Item], Result]], items: Iterable[Item]
    ) -> Iterator[Result]:
        """See ``Engine.each``."""
        return map(make(), items)

    def together(self, work: Callable[[], Result], *, folder: Path) -> Result:
        """See ``Engine.together``: a team of one, or the one that ``torchrun`` made."""
        return work()


LOCAL: Engine = Local()


@contextmanager
def opened(settings: EngineSettings) -> Iterator[Engine]:
    """This process; it needs no opening."""
    yield LOCAL
