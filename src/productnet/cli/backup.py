"""Commands that keep a project safe: ``backup``, ``restore``, ``recount``."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from productnet.cli.console import Bars, say, show
from productnet.cli.options import HERE, JsonOption, ProjectOption

if TYPE_CHECKING:
    from productnet.backup.manifest import Manifest

PANEL = "Keep it safe"

# Differences that are printed.
_TOLD = 20


def register(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    for command in (backup, restore, recount):
        app.command(command.__name__, rich_help_panel=PANEL)(command)


def backup(
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="New folder, or new file that ends in .tar")
    ],
    with_pool: Annotated[
        bool,
        typer.Option(
            "--with-pool/--without-pool",
            help="With products and embeddings, to go on at once; without, what people made",
        ),
    ] = True,
    check: Annotated[
        bool, typer.Option("--check", help="Make none; check the backup TARGET instead")
    ] = False,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Copy the project while people work in it, whole or not at all.

    It holds what people said, their password hashes and the secrets of webhooks: keep it as safe
    as the project itself.

    Examples:
        productnet backup /backups/shop-2026-01-31.tar

        productnet backup --check /backups/shop-2026-01-31.tar
    """
    from productnet.backup.make import back_up
    from productnet.backup.restore import check_backup
    from productnet.rounds.news import tell_backup
    from productnet.settings import Project

    if check:
        manifest = check_backup(target, progress=Bars())
    else:
        opened = Project.open(project)
        manifest = back_up(opened, target, with_pool=with_pool, progress=Bars())
        tell_backup(opened, target.name)
    show(
        {"backup": str(target), **_summary(manifest)},
        as_json=json,
        human=lambda: say(f"{'Sound' if check else 'Made'}: {target}, {_told(manifest)}"),
    )


def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="What `backup` made")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New project folder")],
    database_url: Annotated[
        str | None,
        typer.Option(
            envvar="PRODUCTNET_DATABASE_URL",
            help="Empty PostgreSQL database to restore into [default: the setting]",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Make a project of a backup: every hash, the database and all counts are checked.

    Nothing is ever restored over what is there. Give a database's URL in the environment variable
    PRODUCTNET_DATABASE_URL where a password is in it: others see command lines.

    Examples:
        productnet restore /backups/shop-2026-01-31.tar my-shop
    """
    from productnet.backup.restore import restore as put_back

    manifest = put_back(source, folder, database_url=database_url, progress=Bars())

    def human() -> None:
        say(f"Restored: {folder}, {_told(manifest)}")
        if manifest.pool is None:
            say("It has no products. Next: productnet import FEED, then productnet embed")

    show({"project": str(folder), **_summary(manifest)}, as_json=json, human=human)


def recount(
    repair: Annotated[
        bool, typer.Option("--repair", help="Make what differs anew from the decisions")
    ] = False,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Count all decisions, and compare what is kept beside them for the pages of the portal.

    Nobody need stop working. Ends with status 1 where anything differs, which is a defect to
    report: `--repair` makes it anew, while those who label wait.

    Examples:
        productnet recount

        productnet recount --repair
    """
    from productnet.annotation.read_models.recount import recount as count
    from productnet.database.database import Database
    from productnet.settings import Project

    opened = Project.open(project)
    with Database.open(opened.database_url) as database:
        found = count(database, repair=repair, progress=Bars())
    told = [asdict(one) for one in found.differences[:_TOLD]]

    def human() -> None:
        for one in found.differences[:_TOLD]:
            say(f"{one.what}: kept {one.kept or 'nothing'}, counted {one.counted or 'nothing'}")
        repaired = "; all of it is made anew" if repair and found.differences else ""
        say(
            f"{found.decisions:,} decisions counted, "
            f"{len(found.differences):,} differences{repaired}."
        )

    result = {
        "decisions": found.decisions,
        "differences": len(found.differences),
        "first": told,
        "repaired": repair and bool(found.differences),
    }
    show(result, as_json=json, human=human)
    if found.differences and not repair:
        raise typer.Exit(1)


def _summary(manifest: "Manifest") -> dict[str, object]:
    return {
        "made_at": manifest.made_at,
        "decisions": manifest.database.decisions,
        "last_seq": manifest.database.last_seq,
        "products": manifest.pool.products if manifest.pool else None,
        "files": len(manifest.files),
        "bytes": manifest.bytes,
    }


def _told(manifest: "Manifest") -> str:
    products = f"{manifest.pool.products:,} products" if manifest.pool else "no products"
    if manifest.pool and manifest.pool.kept_at:
        products += f", which stay at {manifest.pool.kept_at}"
    return (
        f"{manifest.bytes / 1e6:,.1f} MB of {manifest.made_at}: "
        f"{manifest.database.decisions:,} decisions, {products}"
    )
