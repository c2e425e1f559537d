"""What people told apart no longer stays together in a split; releases before it stay as made."""

from pathlib import Path
from uuid import uuid4

import pytest

from productnet.annotation.duplicate_reviews import DuplicateReviews, reviewed_near_duplicates
from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.database.database import Database
from productnet.embeddings.near_duplicates import (
    FORMAT_VERSION,
    NearDuplicates,
    read_near_duplicates,
    signatures_path,
)
from productnet.embeddings.told_apart import ToldApart
from productnet.release.build import rebuild, release
from productnet.release.groups import copies_of, find_kin
from productnet.release.manifest import verify_release
from productnet.settings import Project
from tests.released import contents, make_shop

GROUPS = [["mugs-01", "mugs-03", "mugs-05"], ["chairs-00", "chairs-02"]]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = make_shop(tmp_path / "shop")
    stamp = {"format_version": FORMAT_VERSION}
    NearDuplicates.write(made.near_duplicates_path / "groups", GROUPS, stamp=stamp)
    return made


def review(project: Project, products: list[str], *, apart: list[str]) -> None:
    with Database.open(project.database_url) as database:
        DuplicateReviews(database).record(uuid4(), products, apart=apart, person="ann")


def test_groups_are_cut_where_people_told_products_apart(project: Project) -> None:
    assert len(reviewed_near_duplicates(project)) == 5
    review(project, GROUPS[0], apart=["mugs-03"])
    review(project, GROUPS[1], apart=GROUPS[1])
    found = reviewed_near_duplicates(project)
    assert list(found.groups()) == [["mugs-01", "mugs-05"]]
    assert (len(found), found.group_count) == (2, 1)
    numbers = found.groups_of(["mugs-03", "mugs-05", "mugs-01", "chairs-00", "nowhere"]).tolist()
    assert numbers[0] == numbers[3] == numbers[4] == -1
    assert numbers[1] == numbers[2] >= 0
    assert found.members(found.groups_of(["mugs-05", "chairs-02"])) == ["mugs-01", "mugs-05"]
    # What was found stays as found; a later word joins them again.
    assert len(read_near_duplicates(project)) == 5
    review(project, GROUPS[1], apart=[])
    assert len(reviewed_near_duplicates(project)) == 4
    groups = copies_of(project, [*GROUPS[0], *GROUPS[1]])
    assert groups["mugs-01"] == groups["mugs-05"] != groups["mugs-03"]
    assert groups["chairs-00"] == groups["chairs-02"]


def test_likeness_of_words_joins_nothing_that_was_told_apart(tmp_path: Path) -> None:
    words = "sturdy blue enamel camping mug with a handle and a lid for cold nights outdoors"
    pool = Pool.create(tmp_path / "pool.lance", ("title",))
    texts = {"a": f"{words} one", "b": f"{words} two", "c": "an oak chair", "d": "an oak chair"}
    products = [
        Product(id, {"title": title}, fingerprint=bytes(7) + id.encode())
        for id, title in texts.items()
    ]
    pool.append(products_to_table(products, ("title",)))

    def keys(apart: ToldApart) -> dict[str, str]:
        return find_kin(
            pool,
            "abcd",
            near_duplicates=NearDuplicates.none(),
            apart=apart,
            signatures=signatures_path(Project.open(make_shop(tmp_path / str(id(apart))).root)),
        ).groups

    class Said:
        products = ("a", "b", "c", "d")
        apart = ("a", "b", "c", "d")

    before, after = keys(ToldApart()), keys(ToldApart([Said()]))
    assert before["a"] == before["b"]
    assert after["a"] != after["b"]
    # One title is the same text on both sides, whatever people say.
    assert after["c"] == after["d"]


def test_a_release_is_made_again_as_it_was_reviewed_then(project: Project) -> None:
    first = release(project, version="1.0.0").path
    assert "reviews" not in (verify_release(first).near_duplicates or {})
    review(project, GROUPS[0], apart=GROUPS[0])
    second = release(project, version="1.1.0").path
    assert (verify_release(second).near_duplicates or {})["reviews"] == 1
    review(project, GROUPS[1], apart=GROUPS[1])
    before = contents(second)
    for version in ("1.0.0", "1.1.0"):
        rebuild(project, version)
    assert contents(second) == before


def test_copies_in_two_leaves_are_a_known_gap_until_told_apart(project: Project) -> None:
    stamp = {"format_version": FORMAT_VERSION}
    groups = [["mugs-01", "chairs-01"], ["mugs-02", "mugs-04"]]
    NearDuplicates.write(project.near_duplicates_path / "groups", groups, stamp=stamp)
    said = "in one leaf and some in another: 1."
    assert said in (release(project, version="1.0.0").path / "DATASHEET.md").read_text()
    review(project, groups[0], apart=groups[0])
    assert said not in (release(project, version="1.1.0").path / "DATASHEET.md").read_text()
