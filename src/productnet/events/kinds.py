"""The kinds of event: what the activity log can hold, and what a webhook can ask for."""

from collections.abc import Iterable
from enum import StrEnum

from productnet.errors import WebhookError, did_you_mean


class Kind(StrEnum):
    """What happened; the subject of the event is named beside each."""

    LEAF_DONE = "leaf.done"  # leaf
    LEAF_ASSIGNED = "leaf.assigned"  # leaf
    GUIDELINE_CHANGED = "guideline.changed"  # leaf
    ROUND_ACTIVATED = "round.activated"  # round
    ROUND_FAILED = "round.failed"  # round, or nothing where none was begun
    RELEASE_MADE = "release.made"  # version
    RELEASE_FAILED = "release.failed"  # version
    JOB_STARTED = "job.started"  # job
    JOB_STOPPED = "job.stopped"  # job
    PERSON_ADDED = "person.added"  # person
    PERSON_CHANGED = "person.changed"  # person
    PASSWORD_CHANGED = "password.changed"  # person
    SIGNED_IN = "signed.in"  # person
    SIGN_IN_REFUSED = "sign.in.refused"  # the name that was tried
    KEY_ADDED = "key.added"  # key
    KEY_REVOKED = "key.revoked"  # key
    WEBHOOK_ADDED = "webhook.added"  # webhook
    WEBHOOK_CHANGED = "webhook.changed"  # webhook
    WEBHOOK_DELETED = "webhook.deleted"  # webhook
    WEBHOOK_DISABLED = "webhook.disabled"  # webhook
    EXPORTED = "exported"  # what was downloaded
    BACKUP_MADE = "backup.made"  # name of the backup


# What other systems act on. The rest is for people who look back.
TOLD = (Kind.LEAF_DONE, Kind.ROUND_ACTIVATED, Kind.RELEASE_MADE)


def told_kinds(names: Iterable[str]) -> tuple[Kind, ...]:
    """The kinds of these names, in the order of ``TOLD``.

    Raises WebhookError if there is none, or one that webhooks are not told.
    """
    wanted = list(names)
    for name in wanted:
        if name not in TOLD:
            raise WebhookError(
                f'A webhook cannot be told of "{name}". {did_you_mean(name, TOLD)}'.rstrip()
            )
    if not wanted:
        raise WebhookError(f"A webhook needs at least one kind of event: {', '.join(TOLD)}.")
    return tuple(kind for kind in TOLD if kind in wanted)
