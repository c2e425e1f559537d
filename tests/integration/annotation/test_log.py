"""The log keeps what it acknowledged, once, as it was sent, on every database."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from productnet.annotation.decisions import Decision, Role, Verdict, decide
from productnet.annotation.log import DecisionLog
from productnet.database import database
from productnet.database.database import Database
from productnet.errors import WorkflowError

NOW = datetime(2026, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
times = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.timezones())
numbers = st.none() | st.floats(0, 1e300)
decisions = st.builds(
    Decision,
    id=st.builds(uuid4),
    product=texts,
    category=texts,
    verdict=st.sampled_from(Verdict),
    role=st.sampled_from([role for role in Role if role is not Role.UNDO]),
    annotator=texts,
    at=times,
    seconds=numbers,
    source=st.none() | texts,
    model_version=st.none() | texts,
    score=numbers,
    note=st.none() | texts,
)


def label(product: str, verdict: Verdict = Verdict.POSITIVE) -> Decision:
    return decide(Role.LABEL, product, "mugs", verdict=verdict, annotator="ann", at=NOW)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(decisions, max_size=5))
def test_what_is_read_is_what_was_sent(log: DecisionLog, drawn: list[Decision]) -> None:
    # The log outlives an example, so its ids must not come again in the next.
    sent = [replace(decision, id=uuid4()) for decision in drawn]
    last = max((seq for seq, _ in log.since()), default=0)
    log.append(*sent)
    assert [decision for _, decision in log.since(last)] == sent
    assert all(log.find(decision.id) == decision for decision in sent)


def test_sequence_numbers_rise_and_reading_goes_on_from_any(log: DecisionLog) -> None:
    sent = [label(f"p{number}") for number in range(10)]
    for decision in sent:
        log.append(decision)
    everything = list(log.since())
    assert [decision for _, decision in everything] == sent
    assert [seq for seq, _ in everything] == sorted({seq for seq, _ in everything})
    assert list(log.since(everything[4][0])) == everything[5:]


def test_a_decision_sent_twice_is_recorded_once(log: DecisionLog) -> None:
    sent = label("p1")
    assert log.append(sent) == 1
    assert log.append(sent, replace(sent, at=datetime.now(UTC))) == 0
    assert [decision for _, decision in log.since()] == [sent]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_retries_in_any_order_change_nothing(log: DecisionLog, data: st.DataObject) -> None:
    sent = [label(f"p{number}-{uuid4()}") for number in range(4)]
    log.append(*sent)
    before = list(log.since())
    retries = data.draw(st.lists(st.sampled_from(sent), max_size=8))
    log.append(*retries)
    for decision in data.draw(st.permutations(sent)):
        log.append(decision)
    assert list(log.since()) == before


def test_one_id_with_two_contents_is_refused(log: DecisionLog) -> None:
    sent = label("p1")
    log.append(sent)
    with pytest.raises(WorkflowError, match='recorded with other content: positive of "p1"'):
        log.append(label("p2"), replace(sent, verdict=Verdict.NEGATIVE))
    assert len(list(log.since())) == 1


@pytest.mark.parametrize(
    "change", ["UPDATE decisions SET verdict = 'negative'", "DELETE FROM decisions"]
)
def test_the_database_itself_refuses_changes(database_url: str, change: str) -> None:
    with DecisionLog.open(database_url) as log:
        log.append(label("p1"))
        engine = create_engine(database_url.replace("postgresql:", "postgresql+psycopg:"))
        with pytest.raises(DBAPIError, match="appended, never changed"), engine.begin() as raw:
            raw.execute(text(change))
        engine.dispose()
        assert len(list(log.since())) == 1


def test_two_logs_on_one_database_see_each_other(database_url: str) -> None:
    with DecisionLog.open(database_url) as mine, DecisionLog.open(database_url) as yours:
        mine.append(label("p1"))
        assert list(yours.state().positives("mugs")) == ["p1"]
        yours.append(label("p2"))
        assert list(mine.state().positives("mugs")) == ["p1", "p2"]


def test_who_wrote_knows_without_a_look_what_was_in_the_log_then(database_url: str) -> None:
    with DecisionLog.open(database_url) as mine, DecisionLog.open(database_url) as yours:
        mine.state()
        first = label("p1")
        yours.append(first)
        mine.append(label("p2"))
        assert list(mine.recent().positives("mugs")) == ["p1", "p2"]
        yours.append(label("p3"))
        assert list(mine.recent().positives("mugs")) == ["p1", "p2"]
        assert mine.append(first) == 0, "sent again, as where the answer to it was lost"
        assert list(mine.recent().positives("mugs")) == ["p1", "p2", "p3"]


def test_which_leaves_were_decided_on_since(log: DecisionLog) -> None:
    cup = decide(Role.LABEL, "p2", "cups", verdict=Verdict.POSITIVE, annotator="ann", at=NOW)
    log.append(label("p1"), cup, label("p3"))
    assert log.leaves_since(0) == (3, ["cups", "mugs"])
    assert log.leaves_since(2) == (3, ["mugs"])
    assert log.leaves_since(3) == (3, [])


def test_writers_at_the_same_time_lose_nothing_and_readers_miss_nothing(
    database_url: str,
) -> None:
    def write(writer: int) -> None:
        with DecisionLog.open(database_url) as log:
            for number in range(20):
                log.append(label(f"p{writer}-{number}"))

    with DecisionLog.open(database_url) as reader:
        with ThreadPoolExecutor(4) as pool:
            writers = [pool.submit(write, writer) for writer in range(4)]
            while not all(writer.done() for writer in writers):
                reader.state()
            for writer in writers:
                writer.result()
        assert len(reader.state().positives("mugs")) == 80


def test_a_check_sees_the_decisions_before_it_and_stops_all(log: DecisionLog) -> None:
    seen: list[int] = []

    def second_refused(decision: Decision, history: tuple[object, ...]) -> None:
        seen.append(len(history))
        if history:
            raise WorkflowError("once is enough")

    with pytest.raises(WorkflowError, match="once is enough"):
        log.append(label("p1"), label("p1"), check=second_refused)
    assert seen == [0, 1]
    assert not list(log.since())
    log.append(label("p1"), check=second_refused)
    assert list(log.state().positives("mugs")) == ["p1"]


def test_everything_said_of_a_product_can_be_read_with_its_notes(log: DecisionLog) -> None:
    noted = replace(label("p1"), note="the handle is missing")
    log.append(noted, label("p2"))
    assert log.about("p1", "p3") == {"p1": [noted], "p3": []}


def test_the_newest_revision_is_the_one_in_the_code(database_url: str) -> None:
    from alembic.script import ScriptDirectory

    folder = Path(database.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_current_head() == database.REVISION
    with DecisionLog.open(database_url):
        pass
    with DecisionLog.open(database_url) as again:
        assert again.append(label("p1")) == 1


def test_a_database_of_the_future_is_left_alone(database_url: str) -> None:
    DecisionLog.open(database_url).close()
    engine = create_engine(database_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as raw:
        raw.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(WorkflowError, match=r"schema 9999, of a newer ProductNet .* Upgrade"):
        DecisionLog.open(database_url)


def test_sqlite_writes_ahead_and_waits_for_the_disk(tmp_path: Path) -> None:
    with (
        Database.open(f"sqlite:///{tmp_path / 'decisions.db'}") as opened,
        opened.reading() as connection,
    ):
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 2


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("nonsense", "is not a database URL"),
        ("mysql://localhost/x", 'cannot be kept in "mysql"'),
        ("sqlite:////nowhere/at/all/decisions.db", "cannot be opened: .* the folder exists"),
    ],
)
def test_a_database_that_cannot_serve_is_refused_with_advice(url: str, text: str) -> None:
    with pytest.raises(WorkflowError, match=text):
        DecisionLog.open(url)


def test_a_missing_driver_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "find_spec", lambda name: None)
    with pytest.raises(WorkflowError, match=r"pip install 'productnet\[postgres\]'"):
        DecisionLog.open("postgresql://localhost/x")


WRITER = """
import sys
from datetime import UTC, datetime
from uuid import UUID
from productnet.annotation.decisions import Role, Verdict, decide
from productnet.annotation.log import DecisionLog
log = DecisionLog.open(sys.argv[1])
for number in range(int(sys.argv[2]), 10**6):
    log.append(decide(Role.LABEL, f"p{number}", "mugs", verdict=Verdict.POSITIVE,
                      annotator="ann", id=UUID(int=number), at=datetime.now(UTC)))
    print(number, flush=True)
"""


def test_a_kill_loses_nothing_acknowledged(database_url: str) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    acknowledged = 0
    for acknowledgements in (1, 7, 30):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, database_url, str(acknowledged + 1)],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        ) as writer:
            if writer.stdout is None:
                raise RuntimeError("the writer has no output")
            for _ in range(acknowledgements):
                acknowledged = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            acknowledged = max([acknowledged, *map(int, writer.stdout.read().split())])
        with DecisionLog.open(database_url) as log:
            kept = {decision.id.int for _, decision in log.since()}
        assert set(range(1, acknowledged + 1)) <= kept
        # At most the one under way was recorded without being acknowledged.
        assert kept <= set(range(1, acknowledged + 2))
