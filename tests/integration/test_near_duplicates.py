"""The near-duplicates of a pool: found once, kept, refreshed when the pool changes."""

import io
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from productnet.catalog import signatures
from productnet.catalog.hashes import ImageHash, image_hash
from productnet.catalog.images import load_image
from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.catalog.store.faults import StoreNoise
from productnet.catalog.store.stream import generate_products
from productnet.cli.main import app
from productnet.embeddings import near_duplicates
from productnet.embeddings.initial import embed_initial
from productnet.embeddings.near_duplicates import (
    NearDuplicates,
    find_near_duplicates,
    read_near_duplicates,
)
from productnet.errors import EmbeddingError, ProjectError
from productnet.settings import PAPER_FIELDS, EncoderSettings, Project, Settings

SIZE = 120
COPIED = 8


def originals() -> list[Product]:
    """Products of a generated shop, none of which repeats another."""
    made = generate_products(SIZE, noise=StoreNoise.none(), image_side=96)
    return [product(each.id, each.texts, each.image) for each in made]


def copies() -> list[Product]:
    """The first products again, as other sellers would list them."""
    return [
        product(f"copy of {one.id}", one.texts | {"title": one.texts["title"].upper()}, again(one))
        for one in originals()[:COPIED]
    ]


def product(id: str, texts: dict[str, str], image: bytes | None) -> Product:
    assert image is not None
    loaded = load_image(image, Settings().images)
    fingerprint = id.encode()[-8:]
    return Product(
        id, texts, image=loaded.data, thumbnail=loaded.thumbnail, fingerprint=fingerprint
    )


def again(one: Product) -> bytes:
    """Its image encoded again, coarser."""
    file = io.BytesIO()
    assert one.image is not None
    Image.open(io.BytesIO(one.image)).save(file, "JPEG", quality=60)
    return file.getvalue()


def grown(project: Project, products: Sequence[Product]) -> None:
    Pool.open(project.pool_path).upsert(products_to_table(list(products), PAPER_FIELDS))
    embed_initial(project)


def new_project(root: Path) -> Project:
    settings = Settings(encoders=EncoderSettings(text="static", dimension=64))
    project = Project.create(root, settings)
    Pool.create(project.pool_path, PAPER_FIELDS)
    return project


def groups(found: NearDuplicates, project: Project) -> list[set[str]]:
    """The groups, each a set of ids, in the order of their first product in the pool."""
    ids = Pool.open(project.pool_path).ids().to_pylist()
    numbers = found.groups_of(ids)
    return [set(found.members(numbers[numbers == each])) for each in range(found.group_count)]


def pairs() -> list[set[str]]:
    return [{one.id, f"copy of {one.id}"} for one in originals()[:COPIED]]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A shop in which no product repeats another; nobody has looked for near-duplicates yet."""
    project = new_project(tmp_path_factory.mktemp("plain") / "shop")
    grown(project, originals())
    return project


@pytest.fixture(scope="module")
def grown_shop(plain: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same shop looked through, and then joined by copies."""
    project = copied(plain, tmp_path_factory.mktemp("grown"))
    assert len(find_near_duplicates(project)) == 0
    grown(project, copies())
    return project


def copied(project: Project, folder: Path) -> Project:
    shutil.copytree(project.root, folder / "shop")
    return Project.open(folder / "shop")


def test_copies_are_found_once_they_are_there(grown_shop: Project, tmp_path: Path) -> None:
    project = copied(grown_shop, tmp_path)
    assert groups(read_near_duplicates(project), project) == []
    assert groups(find_near_duplicates(project), project) == pairs()


def test_only_new_products_are_hashed_and_none_twice(
    grown_shop: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = copied(grown_shop, tmp_path)
    hashed: list[bytes] = []

    def counted(image: bytes) -> ImageHash | None:
        hashed.append(image)
        return image_hash(image)

    monkeypatch.setattr(signatures, "image_hash", counted)
    find_near_duplicates(project)
    assert len(hashed) == COPIED
    stamp = project.near_duplicates_path / "groups" / "stamp.json"
    made = stamp.stat().st_ino
    assert groups(find_near_duplicates(project), project) == pairs()
    assert len(hashed) == COPIED
    assert stamp.stat().st_ino == made


KILLED = """
import os, signal, sys
from pathlib import Path
from productnet.catalog import signatures
from productnet.embeddings import near_duplicates
from productnet.settings import Project

module = {"_append": signatures, "_groups": near_duplicates}[sys.argv[2]]
deadly = lambda *arguments: os.kill(os.getpid(), signal.SIGKILL)
setattr(module, sys.argv[2], deadly)
near_duplicates.find_near_duplicates(Project.open(Path(sys.argv[1])))
"""


def killed(project: Project, where: str) -> None:
    arguments = [sys.executable, "-c", KILLED, str(project.root), where]
    assert subprocess.run(arguments, check=False).returncode == -signal.SIGKILL


@pytest.mark.parametrize("where", ["_append", "_groups"])
def test_killed_it_keeps_what_was_found_before(
    grown_shop: Project, tmp_path: Path, where: str
) -> None:
    project = copied(grown_shop, tmp_path)
    find_near_duplicates(project)
    more = [replace(one, id=f"second {one.id}", fingerprint=b"87654321") for one in copies()]
    grown(project, more)
    killed(project, where)
    assert groups(read_near_duplicates(project), project) == pairs()
    found = groups(find_near_duplicates(project), project)
    assert [len(group) for group in found] == [3] * COPIED


def test_killed_it_does_not_hash_again_what_was_hashed(
    plain: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = copied(plain, tmp_path)
    killed(project, "_groups")
    monkeypatch.setattr(signatures, "_text_bytes", None)
    assert len(find_near_duplicates(project)) == 0


def test_damage_is_told_and_embed_mends_it(grown_shop: Project, tmp_path: Path) -> None:
    project = copied(grown_shop, tmp_path)
    find_near_duplicates(project)
    folder = project.near_duplicates_path / "groups"
    (folder / "groups.npy").write_bytes(b"garbage")
    with pytest.raises(EmbeddingError, match="Find them again with `productnet embed`"):
        read_near_duplicates(project)
    assert groups(find_near_duplicates(project), project) == pairs()
    (folder / "stamp.json").write_text('{"format_version": 99}')
    with pytest.raises(EmbeddingError, match="format 99, this version reads"):
        read_near_duplicates(project)
    for file in (project.near_duplicates_path / "signatures.lance" / "data").iterdir():
        file.write_bytes(b"garbage")
    with pytest.raises(ProjectError, match=r"signatures\.lance cannot be read"):
        find_near_duplicates(project)


def test_signatures_of_another_format_are_made_again(
    grown_shop: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = copied(grown_shop, tmp_path)
    find_near_duplicates(project)
    other = signatures._SCHEMA.with_metadata({b"productnet.format_version": b"99"})
    monkeypatch.setattr(signatures, "_SCHEMA", other)
    monkeypatch.setattr(near_duplicates, "FORMAT_VERSION", 99)
    assert groups(find_near_duplicates(project), project) == pairs()


def test_before_embedding_there_are_none(tmp_path: Path) -> None:
    project = new_project(tmp_path / "shop")
    none = read_near_duplicates(project)
    assert len(none) == none.group_count == 0
    assert none.groups_of(["p1", "p2"]).tolist() == [-1, -1]
    assert none.members(none.groups_of(["p1"])) == []
    with pytest.raises(EmbeddingError, match="productnet embed"):
        find_near_duplicates(project)


def test_members_of_several_groups_come_each_once(tmp_path: Path) -> None:
    NearDuplicates.write(tmp_path / "groups", [["a", "b"], ["c", "d", "e"], ["f", "g"]], stamp={})
    found = NearDuplicates.open(tmp_path / "groups")
    numbers = found.groups_of(["e", "x", "a", "c"])
    assert numbers.tolist() == [1, -1, 0, 1]
    assert found.members(numbers) == ["a", "b", "c", "d", "e"]
    assert (len(found), found.group_count) == (7, 3)


def test_embed_tells_what_it_found(grown_shop: Project, tmp_path: Path) -> None:
    project = copied(grown_shop, tmp_path)
    told = CliRunner().invoke(app, ["embed", "--project", str(project.root)])
    assert "have near-duplicates, in" in told.output
