"""What every engine of the registry promises, whichever it is."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from productnet.engine.base import BatchFunction, Engine, Stage
from productnet.engine.cores import cores
from productnet.engine.registry import ENGINES, open_engine
from productnet.errors import EngineError, UnknownName, UsageError
from productnet.settings import EngineSettings

BATCHES = 3


@pytest.fixture(scope="module", params=list(ENGINES))
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with open_engine(EngineSettings(workers=2), name=request.param) as opened:
        yield opened


def read(piece: str) -> Iterator[pa.RecordBatch]:
    """A piece "a:4" has three batches of four rows."""
    name, rows = piece.split(":")
    for number in range(BATCHES):
        words = [f"{name}{number}{row}" for row in range(int(rows))]
        yield pa.record_batch({"word": pa.array(words, pa.string())})


def shouting() -> BatchFunction:
    def shout(batch: pa.RecordBatch) -> pa.RecordBatch:
        words = [word.upper() for word in batch.column("word").to_pylist()]
        return pa.record_batch({"word": pa.array(words, pa.string())})

    return shout


def twice_with_process() -> BatchFunction:
    def answer(batch: pa.RecordBatch) -> pa.RecordBatch:
        words = [word for word in batch.column("word").to_pylist() for _ in range(2)]
        process = pa.array([os.getpid()] * len(words), pa.int64())
        return pa.record_batch({"word": pa.array(words, pa.string()), "process": process})

    return answer


STAGES = [Stage(shouting), Stage(twice_with_process, keeps=True, processors=0.8)]


def test_pieces_come_once_whole_and_in_the_order_of_their_batches(engine: Engine) -> None:
    pieces = [f"{name}:{rows}" for name, rows in zip("abcdefg", (4, 0, 1, 9, 2, 3, 5), strict=True)]
    told: Counter[str] = Counter()

    def advance(rows: int, note: str = "") -> None:
        told["rows"] += rows

    done = {one.number: one.batches for one in engine.stream(pieces, read, STAGES, advance=advance)}
    assert sorted(done) == list(range(len(pieces)))
    for number, piece in enumerate(pieces):
        words = [word for batch in done[number] for word in batch.column("word").to_pylist()]
        read_words = [word.upper() for batch in read(piece) for word in batch["word"].to_pylist()]
        assert words == [word for word in read_words for _ in range(2)]
        assert len(done[number]) == BATCHES
    assert told["rows"] == BATCHES * (4 + 0 + 1 + 9 + 2 + 3 + 5)


def test_a_stage_that_waits_changes_nothing(engine: Engine) -> None:
    (done,) = engine.stream(["a:2"], read, [Stage(shouting, waits=True), *STAGES[1:]])
    words = [word for batch in done.batches for word in batch["word"].to_pylist()]
    assert words == [f"A{number}{row}" for number in range(BATCHES) for row in (0, 0, 1, 1)]


def test_what_the_next_stage_does_itself_is_not_done_ahead_without_accelerators(
    engine: Engine,
) -> None:
    (done,) = engine.stream(["a:2"], read, [Stage(shouting, ahead=True), *STAGES[1:]])
    assert done.batches[0]["word"].to_pylist() == ["a00", "a00", "a01", "a01"]


def test_no_piece_is_no_work(engine: Engine) -> None:
    assert list(engine.stream([], read, STAGES)) == []
    assert list(engine.each(squaring, [])) == []


def wrong(kept: bool) -> BatchFunction:
    def raise_it(batch: pa.RecordBatch) -> pa.RecordBatch:
        raise UsageError('The word "b10" cannot be used. Choose another.')

    return raise_it


@pytest.mark.parametrize("kept", [True, False])
def test_what_a_stage_raises_is_raised_in_its_own_words(kept: bool, engine: Engine) -> None:
    stages = [Stage(partial(wrong, kept), keeps=kept)]
    with pytest.raises(UsageError) as told:
        list(engine.stream(["b:2"], read, stages))
    assert str(told.value) == 'The word "b10" cannot be used. Choose another.'


def squaring() -> Callable[[int], int]:
    return lambda number: number * number


def test_each_item_is_answered_once(engine: Engine) -> None:
    assert sorted(engine.each(squaring, iter(range(40)))) == [n * n for n in range(40)]


def refusing() -> Callable[[int], int]:
    def refuse(number: int) -> int:
        raise UsageError(f"{number} is refused. Choose another.")

    return refuse


def test_what_an_item_raises_is_raised_in_its_own_words(engine: Engine) -> None:
    with pytest.raises(UsageError) as told:
        list(engine.each(refusing, [7]))
    assert str(told.value) == "7 is refused. Choose another."


def counting_cores() -> BatchFunction:
    return lambda batch: pa.record_batch({"cores": pa.array([cores()], pa.int64())})


def test_workers_apart_share_the_cores_out(engine: Engine) -> None:
    (done,) = engine.stream(["a:1"], read, [Stage(counting_cores, keeps=True, processors=0.8)])
    seen = {batch["cores"][0].as_py() for batch in done.batches}
    assert seen == ({1} if engine.apart else {cores()})


def dying_once(mark: Path) -> BatchFunction:
    def die(batch: pa.RecordBatch) -> pa.RecordBatch:
        if "c1" in str(batch["word"]) and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return batch

    return die


@pytest.mark.parametrize("kept", [True, False])
def test_a_killed_worker_loses_no_row_and_doubles_none(
    kept: bool, engine: Engine, tmp_path: Path
) -> None:
    if not engine.apart:
        pytest.skip("its worker is this very process")
    stages = [Stage(partial(dying_once, tmp_path / "died"), keeps=kept)]
    pieces = [f"{name}:3" for name in "abcdef"]
    done = sorted(engine.stream(pieces, read, stages))
    assert (tmp_path / "died").exists()
    assert [number for number, _ in done] == list(range(len(pieces)))
    for piece, (_, batches) in zip(pieces, done, strict=True):
        assert [b["word"].to_pylist() for b in batches] == [
            b["word"].to_pylist() for b in read(piece)
        ]


def test_an_unknown_engine_and_an_address_nobody_answers_at_are_told() -> None:
    with pytest.raises(UnknownName, match=r'no engine "rai". Did you mean "ray"'):
        open_engine(EngineSettings(), name="rai")
    with (
        pytest.raises(EngineError, match=r"No Ray cluster answers at 127.0.0.1:9.*ray start"),
        open_engine(EngineSettings(), address="127.0.0.1:9"),
    ):
        pass
