"""How many cores this process may use; an engine that shares a machine out grants fewer."""

import os

_granted: int | None = None


def cores() -> int:
    """The cores of this process: those it was granted, or those the system lets it have."""
    if _granted is not None:
        return _granted
    # Fewer than the machine's where the process is confined, as in a container with a cpuset.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def grant(count: int) -> None:
    """From now on this process uses so many cores."""
    global _granted
    _granted = count
