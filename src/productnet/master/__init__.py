"""The master model: one multi-modal network over all leaves (paper section 2.2)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from productnet.master.model import MasterModel

__all__ = ["MasterModel"]


def __getattr__(name: str) -> object:
    """``MasterModel``, imported when it is first asked for: torch takes seconds to load."""
    if name == "MasterModel":
        from productnet.master.model import MasterModel

        return MasterModel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
