"""What rounds, releases and backups tell the activity log, and through it webhooks.

Whoever finished a round may be killed before it tells; whoever comes next tells it then.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from productnet.database.database import Database
from productnet.errors import ProductNetError
from productnet.events.activity import Activity
from productnet.events.kinds import Kind
from productnet.release.manifest import MANIFEST
from productnet.rounds.record import read_rounds
from productnet.settings import Project


def tell(project: Project, activity: Activity) -> None:
    """Record every finished round and every release that is not recorded yet."""
    for record in read_rounds(project):
        if record.finished:
            activity.round_activated(record.number, preset=record.preset)
    for manifest in sorted(project.releases_path.glob(f"*/{MANIFEST}")):
        activity.release_made(manifest.parent.name)


def tell_backup(project: Project, name: str) -> None:
    """Record that a backup was made."""
    with Database.open(project.database_url) as database:
        Activity(database).record(Kind.BACKUP_MADE, subject=name)


@contextmanager
def telling(project: Project, *, failure: Kind, subject: str | None = None) -> Iterator[None]:
    """Work whose outcome is told when the context ends.

    Args:
        project: Whose.
        failure: What is recorded when the work fails with a ProductNetError.
        subject: Of the failure.
    """
    try:
        yield
    except ProductNetError as error:
        with Database.open(project.database_url) as database:
            Activity(database).record(failure, subject=subject, error=type(error).__name__)
        raise
    with Database.open(project.database_url) as database:
        tell(project, Activity(database))
