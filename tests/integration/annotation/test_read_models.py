"""What is kept beside the log is what the log comes to, whoever wrote and whatever was said."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, text, update

from productnet.annotation.decisions import Decision, Role, Verdict, decide
from productnet.annotation.log import DecisionLog
from productnet.annotation.quality.numbers import Quality
from productnet.annotation.read_models import kept_state, tables
from productnet.annotation.read_models.checkpoint import Place, fold, make_anew
from productnet.annotation.read_models.recount import compare, recount
from productnet.annotation.read_models.sources_of_sums import CountedSums, KeptSums
from productnet.annotation.schema import decisions as log_table
from productnet.annotation.schema import to_row
from productnet.annotation.state import State
from productnet.errors import DatabaseUnavailable
from tests.unit.annotation.quality.test_numbers import found
from tests.unit.annotation.test_state import LEAVES, PEOPLE, PRODUCTS, logs

# Places in a log at which somebody does something.
MOMENTS = st.sets(st.integers(0, 39), max_size=8)


def differences(log: DecisionLog) -> list[str]:
    with log.database.reading(one_state=True) as connection:
        return [f"{one.what}: {one.kept} / {one.counted}" for one in compare(connection)]


def emptied(log: DecisionLog) -> None:
    """As before the first decision: the log itself refuses that, so its triggers are put aside."""
    with log.database.writing() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            connection.execute(text("DROP TRIGGER IF EXISTS decisions_no_delete"))
        else:
            connection.execute(text("ALTER TABLE decisions DISABLE TRIGGER USER"))
        for table in (log_table, tables.pairs, *tables.SUMS):
            connection.execute(delete(table))
        connection.execute(update(tables.counted).values(seq=0, made=tables.counted.c.made + 1))


def undone_once(drawn: Sequence[Decision]) -> list[Decision]:
    """Without what would take back again what is taken back already."""
    undone: set[UUID] = set()
    kept = []
    for decision in drawn:
        if decision.undoes is None or decision.undoes not in undone:
            kept.append(decision)
        if decision.undoes is not None:
            undone.add(decision.undoes)
    return kept


def same_state(kept: State, whole: State) -> None:
    assert kept.categories() == whole.categories()
    for leaf in LEAVES:
        assert kept.pairs(leaf) == whole.pairs(leaf)
        assert list(kept.pairs(leaf)) == list(whole.pairs(leaf))
        assert list(kept.hard_negatives(leaf)) == list(whole.hard_negatives(leaf))
        assert kept.progress(leaf) == whole.progress(leaf)
        assert kept.votes(leaf) == whole.votes(leaf)
        for person in PEOPLE:
            assert kept.progress_told(leaf, person) == whole.progress_told(leaf, person)
    for person in PEOPLE:
        assert kept.worked_in(person) == whole.worked_in(person)
        assert kept.all_told(person, LEAVES) == whole.all_told(person, LEAVES)
    assert kept.gold_labels() == whole.gold_labels()
    assert kept.histories(PRODUCTS) == whole.histories(PRODUCTS)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(logs(max_size=40), MOMENTS, MOMENTS)
def test_what_is_known_is_what_the_log_comes_to(
    log: DecisionLog, drawn: list[Decision], folds: set[int], looks: set[int]
) -> None:
    emptied(log)
    with DecisionLog.open(str(log.database.engine.url.render_as_string(False))) as other:
        quality = Quality(KeptSums(other.database), pause=60.0)
        for number, decision in enumerate(undone_once(drawn)):
            log.append(decision)
            if number in looks:
                same_state(other.state(), log.whole())
                quality.refresh()
            if number in folds:
                fold(log.database)
        for state in (log.state(), other.state()):
            same_state(state, log.whole())
        quality.refresh()
        quality.look_again(most=100)
        counted = Quality(CountedSums(log), pause=60.0)
        counted.refresh()
        assert found(quality) == found(counted)
        assert Place.of_now(log.database).behind == 0
        assert differences(log) == []
        make_anew(log.database)
        assert differences(log) == []
        same_state(other.state(), log.whole())


def said(number: int, *, role: Role = Role.LABEL, by: str = "ann") -> Decision:
    return decide(role, f"p{number}", "mugs", verdict=Verdict.POSITIVE, annotator=by, seconds=2.0)


def test_what_an_older_program_wrote_is_known_and_folded_in(log: DecisionLog) -> None:
    log.append(said(1))
    assert log.state().progress("mugs").decisions == 1
    with log.database.writing() as connection:
        connection.execute(insert(log_table), [to_row(said(2)), to_row(said(1, role=Role.AUDIT))])
    assert list(log.state().positives("mugs")) == ["p1", "p2"]
    assert log.state().progress("mugs").decisions == 3
    log.append(said(3))
    assert list(log.state().positives("mugs")) == ["p1", "p2", "p3"]
    assert Place.of_now(log.database).behind == 4
    fold(log.database)
    assert Place.of_now(log.database).behind == 0
    assert differences(log) == []


def test_a_process_that_only_reads_folds_in_what_it_would_have_to_keep(
    log: DecisionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("productnet.annotation.log._LONGEST_TAIL", 3)
    monkeypatch.setattr("productnet.annotation.read_models.checkpoint._AT_ONCE", 2)
    for number in range(10):
        log.append(said(number))
        assert list(log.state().positives("mugs")) == [f"p{one}" for one in range(number + 1)]
        assert Place.of_now(log.database).behind <= 3
    assert differences(log) == []


def test_a_log_of_which_little_is_folded_is_counted_as_a_whole(
    log: DecisionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("productnet.annotation.read_models.checkpoint._FEW", 2)
    log.append(said(1), said(2), said(1, role=Role.AUDIT, by="bob"))
    fold(log.database)
    assert Place.of_now(log.database) == Place(log=3, folded=3, made=1)
    assert differences(log) == []


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("UPDATE pairs SET verdict = 'negative' WHERE product = 'p1'", r"pairs \('p1', 'mugs'\)"),
        ("DELETE FROM pairs WHERE product = 'p2'", r"pairs \('p2', 'mugs'\):  /"),
        ("UPDATE leaf_sums SET gold = 7", r"leaf_sums \('mugs',\)"),
        ("UPDATE person_sums SET answers = 0", "person_sums"),
        ("DELETE FROM day_sums", "day_sums"),
        ("UPDATE counted SET seq = 1", r"pairs: 2 rows / 1 pairs"),
        ("UPDATE counted SET seq = 3", "counted: 3 / 2"),
    ],
)
def test_whatever_is_kept_wrongly_is_found(log: DecisionLog, harm: str, told: str) -> None:
    log.append(said(1), said(2))
    fold(log.database)
    assert differences(log) == []
    with log.database.writing() as connection:
        connection.execute(text(harm))
    assert any(re.match(told, one) for one in differences(log)), differences(log)


def test_a_fold_that_fails_leaves_the_tables_as_they_were_and_the_state_right(
    log: DecisionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append(said(1))
    fold(log.database)
    log.append(said(2))

    def fail(*args: object) -> None:
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as broken:
        broken.setattr("productnet.annotation.read_models.counting._add", fail)
        with pytest.raises(DatabaseUnavailable):
            fold(log.database)
    assert Place.of_now(log.database).behind == 1
    assert list(log.state().positives("mugs")) == ["p1", "p2"]
    assert differences(log) == []
    fold(log.database)
    assert Place.of_now(log.database).behind == 0
    assert differences(log) == []


def test_two_who_fold_at_once_count_nothing_twice(log: DecisionLog) -> None:
    url = log.database.engine.url.render_as_string(False)
    with DecisionLog.open(url) as other, ThreadPoolExecutor(3) as threads:
        for number in range(60):
            log.append(said(number))
            if number % 10 == 9:
                folds = [threads.submit(fold, one.database) for one in (log, other, log)]
                log.append(said(number, role=Role.AUDIT, by="bob"))
                for one in folds:
                    one.result()
                same = list(other.state().pairs("mugs").items())
                assert same == list(log.state().pairs("mugs").items())
    assert differences(log) == []
    assert log.state().progress("mugs").decisions == 66


def test_more_leaves_than_are_kept_in_memory_are_read_again(
    log: DecisionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_state, "_PAIRS_KEPT", 5)
    monkeypatch.setattr(kept_state, "_HISTORIES_KEPT", 2)
    for number in range(12):
        leaf = f"leaf-{number % 4}"
        log.append(
            decide(Role.LABEL, f"p{number}", leaf, verdict=Verdict.POSITIVE, annotator="ann")
        )
    for _ in range(2):
        for number in range(4):
            products = [f"p{number + 4 * step}" for step in range(3)]
            assert list(log.state().positives(f"leaf-{number}")) == products
            assert log.state().histories(products) == log.whole().histories(products)
        fold(log.database)


def test_a_recount_tells_what_differs_and_makes_it_anew_where_asked(log: DecisionLog) -> None:
    log.append(said(1), said(2), said(1, role=Role.AUDIT, by="bob"))
    fold(log.database)
    with log.database.writing() as connection:
        connection.execute(text("UPDATE leaf_sums SET gold = 7, answers = 9, changed = 3"))
    quality = Quality(KeptSums(log.database), pause=60.0)
    quality.refresh()
    assert (log.state().progress("mugs").gold, quality.leaves()[0].decisions) == (7, 9)
    found = recount(log.database)
    assert (found.decisions, len(found.differences)) == (3, 1)
    assert recount(log.database, repair=True).differences == found.differences
    assert recount(log.database).differences == []
    # Whoever served meanwhile goes on with what is so.
    quality.refresh()
    assert (log.state().progress("mugs").gold, quality.leaves()[0].decisions) == (1, 3)
    assert quality.overall().agreement.agreed.of == 1
