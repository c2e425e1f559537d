"""What changed between releases, and finding them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from productnet.annotation.decisions import Role, Verdict
from productnet.annotation.log import DecisionLog
from productnet.cli.main import app
from productnet.errors import ReleaseError
from productnet.release.build import release
from productnet.release.diff import compare_releases
from productnet.release.parts import Released
from productnet.release.shelf import find_release, read_releases
from productnet.settings import Project
from tests.released import decision, make_shop


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """1.0.0, then two sofas more, a mug less, a mug that is a chair, hard negatives gone; 2.0.0."""
    project = make_shop(tmp_path_factory.mktemp("shop") / "shop")
    release(project, version="1.0.0")
    with DecisionLog.open(project.database_url) as log:
        number = 100
        for product in ("sofas-06", "sofas-08"):
            for role in (Role.LABEL, Role.AUDIT):
                number += 1
                log.append(decision(number, product, "sofas", Verdict.POSITIVE, role))
        log.append(decision(110, "mugs-03", "mugs", Verdict.NEGATIVE, Role.CHALLENGE))
        log.append(decision(111, "mugs-05", "mugs", Verdict.NEGATIVE, Role.LABEL))
        log.append(decision(112, "mugs-05", "mugs", Verdict.NEGATIVE, Role.AUDIT))
        for role in (Role.LABEL, Role.AUDIT):
            number = 113 + (role is Role.AUDIT)
            log.append(decision(number, "mugs-05", "chairs", Verdict.POSITIVE, role))
    release(project, version="2.0.0", validation_share=0.25)
    return project


def test_products_are_added_removed_relabelled_and_moved(project: Project) -> None:
    before, after = (
        Released.open(project.releases_path / version) for version in ("1.0.0", "2.0.0")
    )
    found = compare_releases(before, after)
    assert found.added == {"sofas-06": "sofas", "sofas-08": "sofas"}
    assert found.removed == {"mugs-03": "mugs"}
    assert found.relabelled == {"mugs-05": ("mugs", "chairs")}
    assert {sides[1] for sides in found.moved.values()} >= {"validation"}
    assert found.kept + len(found.moved) == 22
    assert (found.same_taxonomy, found.same_content) == (True, False)
    by_leaf = {leaf.category: leaf for leaf in found.leaves}
    assert (by_leaf["mugs"].removed, by_leaf["mugs"].left) == (1, 1)
    assert by_leaf["chairs"].came == 1
    assert by_leaf["sofas"].added == 2
    assert by_leaf["mugs"].moved + by_leaf["chairs"].moved == len(found.moved)
    back = compare_releases(after, before)
    assert back.added == found.removed
    assert back.relabelled == {"mugs-05": ("chairs", "mugs")}
    same = compare_releases(before, before)
    assert same.same_content
    assert not same.leaves


def run(*words: str) -> str:
    answer = CliRunner().invoke(app, list(words))
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def test_the_commands_tell_the_same(project: Project, tmp_path: Path) -> None:
    here = ("--project", str(project.root))
    told = json.loads(run("release", "diff", "1.0.0", "2.0.0", *here, "--json"))
    assert told["relabelled"] == {"mugs-05": ["mugs", "chairs"]}
    shown = run("release", "diff", str(project.releases_path / "1.0.0"), "2.0.0", *here)
    assert "2 gold products added, 1 removed, 1 relabelled" in shown
    assert "Home > Chairs" in shown
    assert "hold the same" in run("release", "diff", "1.0.0", "1.0.0", *here)
    listed = json.loads(run("release", "list", *here, "--json"))["releases"]
    assert [one["version"] for one in listed] == ["1.0.0", "2.0.0"]
    assert "1.0.0" in run("release", "list", *here)
    assert "Home > Chairs" in run("release", "show", "2.0.0", *here)
    assert json.loads(run("release", "show", "1.0.0", *here, "--json"))["gold"] == 24
    assert "as they were released" in run("release", "verify", "1.0.0", *here)
    verified = json.loads(run("release", "verify", "2.0.0", "--rebuild", *here, "--json"))
    assert verified["rebuilt"]
    out = str(tmp_path / "out")
    exported = run("export", "1.0.0", "--format", "csv", "--out", out, *here)
    assert "Exported 29 rows of release 1.0.0 as csv" in exported


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("release", "show", "1.0.1"), 'no release "1.0.1".*Did you mean "1.0.0"'),
        (("release", "verify", "../1.0.0"), "There is no release"),
        (("export", "1.0.0", "--format", "cvs"), 'no export format "cvs".*"csv"'),
        (("export", "1.0.0", "--embedding-set", "x"), "goes with a format of embeddings"),
        (("export", "1.0.0", "--format", "embeddings-npy"), "no embeddings yet"),
        (("release", "make", "3.0.0", "--provenance", "some"), "none, pseudonyms, full"),
        (("release", "make", "3.0.0", "--as-of", "soon"), "neither a sequence number"),
        (("release", "make", "3.0.0", "--validation-share", "0.9"), "nothing to train on"),
        (("release", "make", "1.0.0"), "exists already"),
    ],
)
def test_mistakes_are_told(project: Project, words: tuple[str, ...], message: str) -> None:
    import re

    answer = CliRunner().invoke(app, [*words, "--project", str(project.root)])
    assert answer.exit_code != 0
    assert re.search(message, str(answer.exception)), answer.exception
    assert not (project.releases_path / "3.0.0").exists()


def test_releases_are_listed_in_the_order_of_their_versions(tmp_path: Path) -> None:
    import shutil

    project = make_shop(tmp_path / "shop")
    versions = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-rc.2", "1.0.0-rc.11",
                "1.0.0", "1.2.0", "1.10.0"]  # fmt: skip
    made = release(project, version=versions[0])
    for version in reversed(versions[1:]):
        folder = project.releases_path / version
        shutil.copytree(made.path, folder)
        manifest = folder / "manifest.json"
        text = manifest.read_text().replace('"version": "1.0.0-alpha"', f'"version": "{version}"')
        manifest.write_text(text)
    (project.releases_path / ".draft").mkdir()
    assert [one.version for one in read_releases(project)] == versions
    with pytest.raises(ReleaseError, match="There is no release"):
        find_release(project, ".draft")


def test_a_project_without_releases_says_how_to_make_one(tmp_path: Path) -> None:
    project = make_shop(tmp_path / "shop")
    assert "release make" in run("release", "list", "--project", str(project.root))
    with pytest.raises(ReleaseError, match="release make"):
        find_release(project, "1.0.0")
