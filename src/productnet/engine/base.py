"""What an engine is: pieces of work go in, batches flow through stages, whole pieces come out.

Whoever has work for an engine says what a piece is, how it is read, and what is done to each batch
of it. Where that happens, and in how many processes, is the engine's own business; what comes out
is the same. An engine hands a piece on once and whole: a worker that dies costs time, no row.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import pyarrow as pa

from productnet.progress import Advance, unseen

Piece = TypeVar("Piece")
Item = TypeVar("Item")
Result = TypeVar("Result")

# Makes a batch of a batch; the same for the same batch, wherever and however often it is asked.
BatchFunction = Callable[[pa.RecordBatch], pa.RecordBatch]


@dataclass(frozen=True, slots=True)
class Stage:
    """One step that every batch goes through.

    Attributes:
        make: Makes the function in the process that runs it. It travels there, so it is a
            function of a module, a class, or a ``partial`` of one with small arguments.
        keeps: Whether making it is dear, as loading a model is: then a worker makes it once and
            keeps it. Otherwise it runs with the next that keeps; or, where that is on an
            accelerator, before it on other processors.
        ahead: Whether the next stage does this itself where it was not done: then it is only done
            ahead of one on an accelerator.
        waits: Whether it mostly waits, as for a network: then it runs apart from what computes.
        processors: Share of a worker's processor that it takes, for engines that share them out.
        accelerated: Whether it computes on an accelerator, where there is one.
    """

    make: Callable[[], BatchFunction]
    keeps: bool = False
    ahead: bool = False
    waits: bool = False
    processors: float = 0.2
    accelerated: bool = False


class Done(NamedTuple):
    """A piece that went through all stages.

    Attributes:
        number: Which piece, counted from 0.
        batches: What became of its batches, in order.
    """

    number: int
    batches: list[pa.RecordBatch]


class Engine(Protocol):
    """Runs work.

    Attributes:
        name: As in the registry.
        apart: Whether its workers are other processes, perhaps on other machines, that see files
            but nothing of this process.
    """

    name: str
    apart: bool

    def stream(
        self,
        pieces: Sequence[Piece],
        read: Callable[[Piece], Iterable[pa.RecordBatch]],
        stages: Sequence[Stage],
        *,
        advance: Advance = unseen,
    ) -> Iterator[Done]:
        """Read pieces and lead their batches through stages; each piece comes out once.

        Args:
            pieces: Small values that say what to read.
            read: Gives a piece as batches, the same at every call.
            stages: In order.
            advance: Told of the rows read, as their batches are through.

        Yields:
            Pieces as they are done, in any order.

        Raises:
            ProductNetError: What a stage raised; or workers died again and again.
        """
        ...

    def each(
        self, make: Callable[[], Callable[[Item], Result]], items: Iterable[Item]
    ) -> Iterator[Result]:
        """The result of every item, as they are ready, in any order.

        Args:
            make: Makes the function in each process that runs it, once; travels as a stage's does.
            items: Independent of each other, and the function of how often it is called.

        Raises:
            ProductNetError: What the function raised; or workers died again and again.
        """
        ...

    def together(self, work: Callable[[], Result], *, folder: Path) -> Result:
        """Do one work in all workers at once: a team that trains a model, as under ``torchrun``.

        Args:
            work: Joins the team that it finds itself in, and goes on where a killed team was. It
                travels as a stage's ``make`` does.
            folder: Takes what the engine keeps for as long as it lasts; all workers see it.

        Returns:
            What the first worker returned; a JSON value.

        Raises:
            ProductNetError: What the work raised; or workers died again and again.
        """
        ...
