"""How training went: one fact an epoch, and who writes them down while it runs.

TensorBoard's event files are written through its own library, where that is installed
(``pip install 'productnet[tensorboard]'``).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from productnet.closing import Closing
from productnet.errors import TrainingError

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter


@dataclass(frozen=True, slots=True)
class Epoch:
    """How one pass over the training products went.

    Attributes:
        loss: Mean training loss.
        accuracy: Share of validation products classified rightly; None without validation, or
            where the model predicts a number.
        validation_loss: Mean cross-entropy on them, or the mean Huber loss of a number; None
            without validation.
    """

    loss: float
    accuracy: float | None
    validation_loss: float | None

    def __str__(self) -> str:
        parts = [f"loss {self.loss:.3f}"]
        if self.accuracy is not None:
            parts.append(f"validation {self.accuracy:.1%}")
        elif self.validation_loss is not None:
            parts.append(f"validation loss {self.validation_loss:.3f}")
        return ", ".join(parts)


class TrainingLog(Closing):
    """Event files that TensorBoard draws: loss, learning rate and validation, phase by phase.

    A resumed training goes on with the same curves.

    Args:
        folder: For the event files; None writes nothing.

    Raises:
        TrainingError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path | None) -> None:
        self._writer: SummaryWriter | None = None
        if folder is None:
            return
        try:
            from torch.utils.tensorboard import SummaryWriter as Writer
        except ImportError as error:
            raise TrainingError(
                "Logs for TensorBoard need its library, which is not installed. Install it with "
                "pip install 'productnet[tensorboard]', or leave the log out."
            ) from error
        self._writer = Writer(str(folder))

    @property
    def writes(self) -> bool:
        """Whether there is anything to write for."""
        return self._writer is not None

    def step(self, phase: str, step: int, *, loss: float, rate: float) -> None:
        """One batch was learnt from."""
        self._add(phase, step, {"loss": loss, "learning rate": rate})

    def epoch(self, phase: str, step: int, epoch: Epoch) -> None:
        """An epoch ended after this many steps of the phase."""
        self._add(
            phase,
            step,
            {
                "epoch loss": epoch.loss,
                "validation accuracy": epoch.accuracy,
                "validation loss": epoch.validation_loss,
            },
        )

    def close(self) -> None:
        """Write what is left to write."""
        if self._writer is not None:
            self._writer.close()

    def _add(self, phase: str, step: int, values: dict[str, float | None]) -> None:
        if self._writer is None:
            return
        for name, value in values.items():
            if value is not None:
                self._writer.add_scalar(f"{phase}/{name}", value, step)


UNWRITTEN = TrainingLog(None)
