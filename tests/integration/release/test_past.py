"""Releases of the log as it was: the same bytes as then, whatever was decided since."""

import shutil
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from productnet.annotation.decisions import Role, Verdict
from productnet.annotation.log import DecisionLog
from productnet.annotation.past import PastLog, parse_moment, sequence_at
from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.errors import ReleaseError, UsageError
from productnet.release.build import rebuild, release
from productnet.release.entries import Provenance
from productnet.release.manifest import read_manifest
from productnet.settings import Project
from productnet.taxonomy.guidelines import Guideline, write_guideline
from productnet.taxonomy.tree import Taxonomy
from tests.released import FIELDS, START, contents, decision, make_shop


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_shop(tmp_path / "shop")


def go_on(project: Project) -> None:
    """Sofas become gold, a mug is challenged, and a third person comes along."""
    with DecisionLog.open(project.database_url) as log:
        for number in range(5, 12):
            for role in (Role.LABEL, Role.AUDIT):
                place = 200 + 2 * number + (role is Role.AUDIT)
                product = f"sofas-{number:02d}"
                log.append(decision(place, product, "sofas", Verdict.POSITIVE, role))
        log.append(decision(300, "mugs-03", "mugs", Verdict.NEGATIVE, Role.CHALLENGE))


@pytest.mark.parametrize("provenance", list(Provenance))
def test_a_release_of_the_log_as_it_was_has_the_same_bytes(
    project: Project, tmp_path: Path, provenance: Provenance
) -> None:
    made = release(project, version="1.0.0", provenance=provenance, validation_share=0.1)
    was = contents(made.path)
    shutil.move(made.path, tmp_path / "kept")
    go_on(project)
    now = release(project, version="1.0.0", provenance=provenance, validation_share=0.1)
    assert contents(now.path) != was
    shutil.rmtree(now.path)
    again = release(
        project,
        version="1.0.0",
        as_of=made.log_sequence,
        provenance=provenance,
        validation_share=0.1,
    )
    assert contents(again.path) == was
    assert again.content_hash == made.content_hash


def test_a_time_means_the_log_before_the_first_later_decision(
    project: Project, tmp_path: Path
) -> None:
    made = release(project, version="1.0.0", as_of=30)
    was = contents(made.path)
    shutil.rmtree(made.path)
    # Decision n was taken n seconds after the start.
    for moment in ("2026-01-01T00:00:30", "2026-01-01T01:00:30.9+01:00"):
        again = release(project, version="1.0.0", as_of=parse_moment(moment))
        assert again.log_sequence == 30
        assert contents(again.path) == was
        shutil.rmtree(again.path)


@pytest.mark.parametrize(
    ("moment", "message"),
    [
        (54, "ends at sequence number 53"),
        (0, "no state as of 0"),
        (START - timedelta(days=1), "Nothing was decided until 2025-12-31"),
    ],
)
def test_a_moment_that_is_not_in_the_log_is_refused(
    project: Project, moment: int, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        release(project, version="1.0.0", as_of=moment)
    assert not project.releases_path.exists()


def test_a_moment_is_a_number_or_a_time() -> None:
    assert parse_moment("12") == 12
    with pytest.raises(UsageError, match='"yesterday" is neither a sequence number'):
        parse_moment("yesterday")


def test_the_past_is_the_state_then(project: Project) -> None:
    with DecisionLog.open(project.database_url) as log:
        assert sequence_at(log, None) == 53
        past = PastLog(log, until=24)
        assert past.seq == 24
        assert set(past.state().gold_labels().values()) == {"mugs"}
        assert [seq for seq, _ in past.since(20)] == [21, 22, 23, 24]
        assert len(log.state().gold_labels()) == 24


def test_a_release_is_rebuilt_from_the_log(project: Project) -> None:
    release(project, version="1.0.0", provenance=Provenance.FULL)
    go_on(project)
    release(project, version="1.1.0", validation_share=0.2)
    assert rebuild(project, "1.0.0").version == "1.0.0"
    assert rebuild(project, "1.1.0").validation_share == 0.2
    assert sorted(path.name for path in project.root.glob(".rebuild*")) == []
    leaf = Taxonomy.load(project.taxonomy_path)["mugs"]
    write_guideline(project.guidelines_path, leaf, Guideline("Cups with a handle."))
    with pytest.raises(ReleaseError, match=r"guidelines\.json would differ.*release itself is"):
        rebuild(project, "1.0.0")
    more = [Product("new", {"title": "new"}, fingerprint=bytes(8))]
    Pool.open(project.pool_path).append(products_to_table(more, FIELDS))
    with pytest.raises(ReleaseError, match="Since then changed: pool_version"):
        rebuild(project, "1.0.0")


def test_guidelines_are_part_of_a_release(project: Project) -> None:
    leaf = Taxonomy.load(project.taxonomy_path)["mugs"]
    write_guideline(project.guidelines_path, leaf, Guideline("Cups with a handle."))
    text = (release(project, version="1.0.0").path / "guidelines.json").read_text()
    assert "Cups with a handle." in text
    assert "chairs" not in text


def test_provenance_tells_as_much_as_was_wanted(project: Project) -> None:
    paths = {
        how: release(project, version=f"1.{n}.0", provenance=how).path
        for n, how in enumerate(Provenance)
    }
    people = {"labeler", "auditor", "adjudicator", "decisions", "decided_at"}
    none = b"".join(contents(paths[Provenance.NONE]).values())
    assert not (paths[Provenance.NONE] / "provenance").exists()
    assert not people & set(pq.read_table(paths[Provenance.NONE] / "data").column_names)
    assert b"person-1" not in none
    assert b"shop.example" not in none

    pseudonyms = paths[Provenance.PSEUDONYMS]
    rows = pq.read_table(pseudonyms / "provenance").to_pylist()
    assert len(rows) == 53
    assert {row["annotator"] for row in rows} == {"person-1", "person-2"}
    assert {row["note"] for row in rows} == {None}
    assert {row["source"] for row in rows} == {"active"}
    everything = b"".join(contents(pseudonyms).values())
    assert b"shop.example" not in everything

    full = pq.read_table(paths[Provenance.FULL] / "provenance").to_pylist()
    assert {row["annotator"] for row in full} == {"ann@shop.example", "bob@shop.example"}
    assert "a handle" in {row["note"] for row in full}
    assert [read_manifest(path).provenance for path in paths.values()] == list(Provenance)


def test_decisions_taken_back_are_no_provenance(project: Project) -> None:
    go_on(project)
    with DecisionLog.open(project.database_url) as log:
        challenge = decision(300, "mugs-03", "mugs", Verdict.NEGATIVE, Role.CHALLENGE)
        from dataclasses import replace
        from uuid import UUID

        log.append(
            replace(challenge, id=UUID(int=301), role=Role.UNDO, verdict=None, undoes=challenge.id)
        )
    path = release(project, version="1.0.0").path
    rows = pq.read_table(path / "provenance").to_pylist()
    assert {row["role"] for row in rows} == {"label", "audit"}
