"""A backup made while people work is a state that was, whole, and comes back as it was."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from productnet.annotation.decisions import Role, Verdict, decide
from productnet.annotation.log import DecisionLog
from productnet.backup import make, snapshots
from productnet.backup.archive import read_manifest
from productnet.backup.make import back_up
from productnet.backup.manifest import MANIFEST
from productnet.backup.restore import check_backup, restore
from productnet.catalog.importer import import_feed
from productnet.catalog.pool import Pool
from productnet.database.database import Database
from productnet.errors import BackupError
from productnet.events.activity import Activity
from productnet.events.kinds import Kind
from productnet.settings import Project, Settings
from productnet.taxonomy.tree import Category, Taxonomy

FORMS = ["copy", "copy.tar"]


@pytest.fixture
def project(database_url: str, tmp_path: Path) -> Project:
    """A shop with products, a taxonomy, guidelines, a release and a few answers."""
    root = tmp_path / "shop"
    own = None if database_url.startswith("sqlite") else database_url
    opened = Project.create(root, Settings(database_url=own))
    Taxonomy([Category("mugs", ("Mugs",))], name="t", version="1").save(opened.taxonomy_path)
    feed = tmp_path / "feed.csv"
    feed.write_text("id,title\n" + "".join(f"p{n},Mug {n}\n" for n in range(50)))
    import_feed(opened, feed)
    opened.guidelines_path.mkdir(exist_ok=True)
    (opened.guidelines_path / "mugs.md").write_text("What is a mug")
    (opened.releases_path / "1.0.0" / "data").mkdir(parents=True)
    (opened.releases_path / "1.0.0" / "data" / "train.parquet").write_bytes(os.urandom(3_000_000))
    (opened.releases_path / ".1.0.1.abc.1.draft").mkdir()
    (opened.releases_path / ".1.0.1.abc.1.draft" / "half").write_text("half")
    answer(opened, 0, 20)
    with Database.open(opened.database_url) as database:
        Activity(database).record(Kind.SIGNED_IN, person="ann")
    return opened


def answer(project: Project, start: int, stop: int) -> None:
    with DecisionLog.open(project.database_url) as log:
        for number in range(start, stop):
            log.append(
                decide(
                    Role.LABEL,
                    f"p{number}",
                    "mugs",
                    verdict=Verdict.POSITIVE,
                    annotator="ann",
                    note="çá",
                )
            )


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, project: Project) -> str | None:
    """An empty database to restore into, where the project's is not a file."""
    if project.settings.database_url is None:
        return None
    import psycopg

    server: str = request.getfixturevalue("postgresql_url")
    name = f"restored_{os.getpid()}_{abs(hash(project.root))}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return project.settings.database_url.replace("/postgres?", f"/{name}?")


def decisions(project: Project) -> list[object]:
    with DecisionLog.open(project.database_url) as log:
        return list(log.since())


@pytest.mark.parametrize("form", FORMS)
def test_what_comes_back_is_what_was(
    project: Project, elsewhere: str | None, tmp_path: Path, form: str
) -> None:
    made = back_up(project, tmp_path / form)
    assert made == check_backup(tmp_path / form) == read_manifest(tmp_path / form)
    assert (made.database.decisions, made.database.last_seq) == (20, 20)
    assert made.database.rows["activity"] == 1
    answer(project, 20, 25)  # after the backup: not in it
    restore(tmp_path / form, tmp_path / "again", database_url=elsewhere)
    again = Project.open(tmp_path / "again")
    assert decisions(again) == decisions(project)[:20]
    pool, original = Pool.open(again.pool_path), Pool.open(project.pool_path)
    assert pool.version == original.version
    assert pool.take(["p3", "p49"]) == original.take(["p3", "p49"])
    assert (again.guidelines_path / "mugs.md").read_text() == "What is a mug"
    same = "1.0.0/data/train.parquet"
    assert (again.releases_path / same).read_bytes() == (project.releases_path / same).read_bytes()
    assert not list(again.root.rglob("*draft*"))
    assert not list(again.root.rglob("*.pg_dump"))
    # It is a project like any other: people go on in it.
    answer(again, 30, 31)
    assert len(decisions(again)) == 21
    with (
        Database.open(again.database_url) as database,
        pytest.raises(DBAPIError, match="appended"),
        database.engine.begin() as connection,
    ):
        connection.execute(text("DELETE FROM decisions"))


def test_nobody_else_can_read_a_backup(project: Project, tmp_path: Path) -> None:
    back_up(project, tmp_path / "copy")
    back_up(project, tmp_path / "copy.tar")
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0
    assert (tmp_path / "copy.tar").stat().st_mode & 0o077 == 0


@contextmanager
def people_at_work(project: Project) -> Iterator[list[int]]:
    """Decisions recorded one after the other as fast as can be; gives how many so far."""
    acknowledged = [0]
    stop = threading.Event()

    def work() -> None:
        with DecisionLog.open(project.database_url) as log:
            number = 1_000
            while not stop.is_set():
                log.append(
                    *(
                        decide(
                            Role.LABEL,
                            f"p{number}-{copy}",
                            "mugs",
                            verdict=Verdict.NEGATIVE,
                            annotator="bob",
                        )
                        for copy in range(20)
                    )
                )
                number += 1
                acknowledged[0] += 20

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield acknowledged
    finally:
        stop.set()
        thread.join()


def test_a_backup_under_load_is_a_beginning_of_the_log(
    project: Project, elsewhere: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "_PAGES", 2)  # many steps, with writers between them
    with people_at_work(project) as acknowledged:
        while acknowledged[0] < 500:
            pass
        before = acknowledged[0]
        made = back_up(project, tmp_path / "copy")
        while acknowledged[0] < before + 500:
            pass
    restore(tmp_path / "copy", tmp_path / "again", database_url=elsewhere)
    restored, all_of_them = decisions(Project.open(tmp_path / "again")), decisions(project)
    assert before <= made.database.decisions == len(restored) < len(all_of_them)
    assert restored == all_of_them[: len(restored)]


def test_an_import_meanwhile_does_not_spoil_the_pool(project: Project, tmp_path: Path) -> None:
    stop = threading.Event()

    def imports() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            feed = tmp_path / f"more-{number}.csv"
            feed.write_text("id,title\n" + "".join(f"q{number}-{n},Cup\n" for n in range(20)))
            import_feed(project, feed)

    thread = threading.Thread(target=imports)
    thread.start()
    try:
        manifests = [back_up(project, tmp_path / f"copy-{n}.tar") for n in range(5)]
    finally:
        stop.set()
        thread.join()
    for n, manifest in enumerate(manifests):
        assert check_backup(tmp_path / f"copy-{n}.tar") == manifest
        assert manifest.pool
        assert manifest.pool.products % 10 == 0


def test_without_the_pool_it_is_small_and_holds_what_people_made(
    project: Project, elsewhere: str | None, tmp_path: Path
) -> None:
    made = back_up(project, tmp_path / "copy.tar", with_pool=False)
    assert made.pool is None
    assert not [file for file in made.files if file.path.startswith("pool.lance")]
    restore(tmp_path / "copy.tar", tmp_path / "again", database_url=elsewhere)
    again = Project.open(tmp_path / "again")
    assert len(decisions(again)) == 20
    assert not again.pool_path.exists()


_KILLED = """
import os, signal, sys
from pathlib import Path
from productnet.backup import make
from productnet.settings import Project

real = make._copy_pool
def killed(project, copy):
    real(project, copy)
    os.kill(os.getpid(), signal.SIGKILL)

make._copy_pool = killed
make.back_up(Project.open(Path(sys.argv[1])), Path(sys.argv[2]))
"""


@pytest.mark.parametrize("form", FORMS)
def test_a_killed_backup_is_none(
    project: Project, elsewhere: str | None, tmp_path: Path, form: str
) -> None:
    target = tmp_path / "backups" / form
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(project.root), str(target)], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert not target.exists()
    leftovers = list(target.parent.iterdir())
    assert leftovers
    for leftover in leftovers:
        with pytest.raises(BackupError, match="is no backup|never finished"):
            restore(leftover, tmp_path / "again", database_url=elsewhere)
        with pytest.raises(BackupError, match="is no backup|never finished"):
            check_backup(leftover)
    assert not (tmp_path / "again").exists()
    back_up(project, target)
    restore(target, tmp_path / "again", database_url=elsewhere)


def rewritten(backup: Path, name: str, content: bytes | None) -> None:
    """Change, or take out, a file of a backup of either form."""
    if backup.is_dir():
        if content is None:
            (backup / name).unlink()
        else:
            (backup / name).write_bytes(content)
        return
    loose = backup.with_suffix(".loose")
    with tarfile.open(backup) as tar:
        tar.extractall(loose, filter="data")
    rewritten(loose, name, content)
    with tarfile.open(backup, "w") as tar:
        tar.add(loose, arcname="")
    shutil.rmtree(loose)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("taxonomy.json", b"{}", "taxonomy.json in .* its hash differs"),
        ("taxonomy.json", None, "lacks taxonomy.json"),
        (MANIFEST, None, "no backup.json in it|has no backup.json"),
        (MANIFEST, b'{"format_version": 1}', "cannot be read as a backup"),
    ],
)
def test_a_damaged_backup_is_refused(
    project: Project, tmp_path: Path, form: str, name: str, content: bytes | None, message: str
) -> None:
    back_up(project, tmp_path / form)
    rewritten(tmp_path / form, name, content)
    for attempt in (check_backup, lambda backup: restore(backup, tmp_path / "again")):
        with pytest.raises(BackupError, match=message):
            attempt(tmp_path / form)
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_backup_that_lies_about_its_database_is_refused(project: Project, tmp_path: Path) -> None:
    made = back_up(project, tmp_path / "copy")
    claimed = made.database.model_copy(update={"last_seq": 21})
    lying = made.model_copy(update={"database": claimed})
    (tmp_path / "copy" / MANIFEST).write_text(lying.model_dump_json())
    with pytest.raises(BackupError, match="its last decision is 20, not 21"):
        check_backup(tmp_path / "copy")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../../outside", "outside itself"),
        ("/etc/outside", "outside itself"),
        ("a/../../outside", "outside itself"),
        ("..\\outside", "outside itself"),
        ("", "outside itself"),
        ("a\0b", "no file name of ours"),
        ("a\nb", "no file name of ours"),
        ("./taxonomy.json", "no file name of ours"),
        ("x" * 256, "no file name of ours"),
        ("taxonomy.json/inside", "within what it names as a file"),
    ],
)
def test_a_name_that_leads_outside_or_nowhere_is_refused(
    project: Project, tmp_path: Path, name: str, message: str
) -> None:
    made = back_up(project, tmp_path / "copy")
    outside = made.files[0].model_copy(update={"path": name})
    kept = [one for one in made.files[1:] if one.path != "taxonomy.json"]
    taxonomy = next(one for one in made.files if one.path == "taxonomy.json")
    lying = made.model_copy(update={"files": (outside, taxonomy, *kept)})
    (tmp_path / "copy" / MANIFEST).write_text(lying.model_dump_json())
    for attempt in (check_backup, lambda backup: restore(backup, tmp_path / "again")):
        with pytest.raises(BackupError, match=message):
            attempt(tmp_path / "copy")
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_a_link_in_a_backup_is_no_file(project: Project, tmp_path: Path, kind: bytes) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes((project.root / "taxonomy.json").read_bytes())
    back_up(project, tmp_path / "copy.tar")
    link = tarfile.TarInfo("taxonomy.json")
    link.type, link.linkname = kind, str(secret)
    with_member(tmp_path / "copy.tar", link)
    with pytest.raises(BackupError, match=r"lacks taxonomy\.json"):
        restore(tmp_path / "copy.tar", tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ["taxonomy.json", MANIFEST])
def test_what_unfolds_to_more_than_it_said_does_not_fill_the_disk(
    project: Project, tmp_path: Path, name: str
) -> None:
    back_up(project, tmp_path / "copy.tar")
    hole = tarfile.TarInfo(name)
    # A sparse file: a few bytes in the archive, a terabyte once it is read.
    hole.type, hole.size = tarfile.REGTYPE, 0
    hole.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.name": name,
        "GNU.sparse.size": str(10**12),
        "GNU.sparse.numblocks": "1",
        "GNU.sparse.map": f"{10**12},0",
    }
    with_member(tmp_path / "copy.tar", hole)
    for attempt in (check_backup, lambda backup: restore(backup, tmp_path / "again")):
        with pytest.raises(BackupError, match="its hash differs|is too large"):
            attempt(tmp_path / "copy.tar")
    assert not (tmp_path / "again").exists()


def with_member(backup: Path, member: tarfile.TarInfo) -> None:
    """Put this in the place of the member of the same name, or before all of them."""
    old = backup.with_suffix(".old")
    backup.rename(old)
    with tarfile.open(old) as before, tarfile.open(backup, "w") as after:
        after.addfile(member)
        for one in before:
            if one.name != member.name:
                after.addfile(one, before.extractfile(one))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"revision": "9999"}, "9999"),
        ({"kind": "mysql"}, "cannot be read as a backup"),
    ],
)
def test_a_database_of_another_kind_or_time_is_refused(
    project: Project, tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    made = back_up(project, tmp_path / "copy")
    document = json.loads(made.model_dump_json())
    document["database"] |= changes
    (tmp_path / "copy" / MANIFEST).write_text(json.dumps(document))
    with pytest.raises(BackupError, match=message):
        restore(tmp_path / "copy", tmp_path / "again")


def test_nothing_is_overwritten(project: Project, elsewhere: str | None, tmp_path: Path) -> None:
    back_up(project, tmp_path / "copy")
    with pytest.raises(BackupError, match="exists already, and backups never change"):
        back_up(project, tmp_path / "copy")
    with pytest.raises(BackupError, match="nothing is restored over it"):
        restore(tmp_path / "copy", project.root, database_url=elsewhere)
    if elsewhere is None:
        with pytest.raises(BackupError, match="Leave --database-url out"):
            restore(tmp_path / "copy", tmp_path / "again", database_url="postgresql://x/y")
        return
    # The setting names the database that lives on.
    with pytest.raises(BackupError, match="holds tables in schema test_.* already"):
        restore(tmp_path / "copy", tmp_path / "again")
    assert not (tmp_path / "again").exists()
    assert len(decisions(project)) == 20


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_password_is_on_no_command_line(
    project: Project, elsewhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_password(url: str) -> str:
        return url.replace("@", ":hunter2@")

    seen: list[list[str]] = []
    passwords: list[str] = []
    real = subprocess.run

    def run(command: list[str], **options: dict[str, str]) -> object:
        seen.append(command)
        passwords.append(options["env"].get("PGPASSWORD", ""))
        return real(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", run)
    own = Settings(database_url=with_password(project.database_url))
    back_up(Project(project.root, own), tmp_path / "copy")
    restore(tmp_path / "copy", tmp_path / "again", database_url=with_password(elsewhere))
    assert [Path(command[0]).name for command in seen] == ["pg_dump", "pg_restore", "pg_restore"]
    assert "hunter2" not in str(seen)
    assert passwords.count("hunter2") == 2


def test_a_full_disk_is_seen_beforehand(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "free_space", lambda place: 1_000)
    with pytest.raises(BackupError, match="the disk of .* has 0.0 GB left"):
        back_up(project, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
