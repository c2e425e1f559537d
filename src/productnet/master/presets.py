"""Presets: which encoder reads which field, and how the network is trained, in one table."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from productnet.errors import TrainingError, did_you_mean
from productnet.master.fields.base import Json
from productnet.master.fields.registry import FIELD_ENCODERS

IMAGE = "image"
# Stands for every text field of the products, joined into one text.
TEXT = "text"
# Stands for every text field that at least one product has, each an input of its own.
EACH = "each text"

# Shares that add up to one may miss it by so much.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Input:
    """One input of the network.

    Attributes:
        fields: The field it reads; several text fields are joined into one text.
        encoder: Name in the registry of field encoders.
        options: Settings of that encoder.
        weight: What it weighs in the solved members beside the other inputs.
    """

    fields: tuple[str, ...]
    encoder: str
    options: Mapping[str, Json] = field(default_factory=dict)
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not self.weight > 0:
            raise TrainingError(f"{self.encoder} weighs {self.weight}; it must be more than 0.")


@dataclass(frozen=True, slots=True)
class Preset:
    """A network and its training.

    Attributes:
        inputs: What is read, by which encoder. Inputs whose field the products lack are left out.
        other: Encoder of each text field that no input names; None leaves them out.
        members: How many pairs of layers read the fields and share the embedding's dimension.
        kernel: Share in the logits of one member more, a kernel machine over all fields that is
            solved when the others are trained; 0 for none.
        linear: Share of a linear SVM on all fields' vectors and on the words of the first input
            that keeps them (``words``), solved as well; 0 for none. Held-out products move both
            shares (``stacking.py``).
        linear_work: Products times categories times trainings up to which there is time for that
            SVM, some 45 microseconds each; calibrating on five folds has ten trainings.
        landmarks: Training products at most that the kernel machine compares with.
        hidden: Width of the first fully connected layer.
        normalise: Whether layer normalisation stands before each of the two layers.
        dropout: Share of numbers dropped before each of the two layers.
        field_dropout: Chance, per product and input, of hiding the input in training.
        field_swap: Chance, per product and input, of reading another product's input in training,
            so that the network believes no field that all others contradict.
        missing: What a missing field is: its encoder's own empty ``input`` (the paper's zero
            image, an empty text), or a ``learnt`` vector in place of the encoder's output.
        epochs: Passes over the training products at most.
        min_steps: Steps at least: with few products there are more passes.
        batch_size: Products a step.
        learning_rate: AdamW's, at the end of warm-up.
        weight_decay: AdamW's, on matrices.
        warmup: Share of the steps in which the learning rate rises.
        label_smoothing: Share of the target spread over all classes.
        rejected_weight: What a product that belongs to no class weighs beside a labelled one.
        class_weights: Whether rare classes weigh more, by one over the root of their count.
        patience: Epochs without better validation accuracy before training stops and goes back
            to the best; None trains to the end.
        validation_share: Share of each class held out to stop early and to calibrate.
        refit: Whether to train once more on everything, when the temperature is known.
        nested: Dimensions below the embedding's own at which it serves as well, cut off
            (Matryoshka training).
    """

    inputs: tuple[Input, ...]
    other: str | None = None
    members: int = 1
    kernel: float = 0.0
    linear: float = 0.0
    linear_work: int = 10_000_000
    landmarks: int = 4_096
    hidden: int = 512
    normalise: bool = False
    dropout: float = 0.5
    field_dropout: float = 0.0
    field_swap: float = 0.0
    missing: Literal["input", "learnt"] = "input"
    epochs: int = 50
    min_steps: int = 0
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    warmup: float = 0.1
    label_smoothing: float = 0.0
    rejected_weight: float = 0.25
    class_weights: bool = False
    patience: int | None = 10
    validation_share: float = 0.1
    refit: bool = False
    nested: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if min(self.kernel, self.linear) < 0 or self.kernel + self.linear > 1 + _ROUNDING:
            raise TrainingError(
                f"kernel is {self.kernel} and linear {self.linear}; they are shares, 0 to 1 in all."
            )
        if self.kernel and self.landmarks < 1:
            raise TrainingError(f"landmarks is {self.landmarks}; the kernel needs at least 1.")
        if self.field_dropout and self.missing != "learnt":
            raise TrainingError('field_dropout hides fields, which needs missing="learnt".')
        if self.refit and self.patience is not None:
            # How long is best for a part says little about how long is best for all.
            raise TrainingError("refit trains to the end, which needs patience=None.")

    @property
    def solves(self) -> bool:
        """Whether members are solved when the others are trained."""
        return self.kernel > 0 or self.linear > 0

    def within_work(self, products: int, categories: int, *, trainings: int) -> "Preset":
        """The same without its linear SVM where there is no time for that."""
        work = products * categories * trainings
        return self if work <= self.linear_work else self.without_linear()

    def without_linear(self) -> "Preset":
        """The same without a linear SVM: the others have its share, and words are not kept."""
        if not self.linear:
            return self
        inputs = tuple(
            replace(one, options={k: v for k, v in one.options.items() if k != "words"})
            for one in self.inputs
        )
        rest = 1 - self.linear
        kernel = self.kernel / rest if rest > _ROUNDING else 0.0
        return replace(self, inputs=inputs, linear=0.0, kernel=kernel)

    def epochs_for(self, products: int) -> int:
        """Passes over this many training products."""
        steps = math.ceil(products / self.batch_size)
        return max(self.epochs, math.ceil(self.min_steps / steps))

    def with_image(self, encoder: str) -> "Preset":
        """The same with another image encoder, one of the registry or a frozen pretrained one."""
        own = encoder.partition(":")[0] in FIELD_ENCODERS
        swapped = Input((IMAGE,), encoder if own else f"frozen:{encoder}")
        return replace(
            self,
            inputs=tuple(swapped if one.fields == (IMAGE,) else one for one in self.inputs),
        )


# Everything pretrained stays frozen, so that training takes seconds to minutes on two cores.
_FAST = Preset(
    inputs=(
        Input((IMAGE,), "frozen:efficientnet-lite0", weight=1.3),
        Input((TEXT,), "frozen:minilm"),
        Input((TEXT,), "tfidf", {"width": 512, "words": True}, weight=1.3),
    ),
    kernel=0.4,
    linear=0.4,
    normalise=True,
    missing="learnt",
    field_dropout=0.1,
    epochs=20,
    min_steps=60,
    batch_size=256,
    learning_rate=3e-3,
    label_smoothing=0.05,
    weight_decay=0.01,
    patience=None,
    refit=True,
)

PRESETS: dict[str, Preset] = {
    # Paper section 2.2, field by field; sizes that it does not give are the references' own.
    "paper": Preset(
        inputs=(
            Input((IMAGE,), "inception-v4"),
            Input(("title",), "attention-lstm"),
            Input(("description",), "dpcnn"),
            Input(("bullet_points",), "dpcnn"),
            Input(("brand",), "fasttext"),
            Input(("search_keywords",), "fasttext"),
            Input(("subject_keywords",), "fasttext"),
            Input(("attribute_keywords",), "fasttext"),
        ),
        other="fasttext",
    ),
    "fast": _FAST,
    # Several members, two sizes of picture, and each text field read by itself as well.
    "best": replace(
        _FAST,
        inputs=(
            Input((IMAGE,), "frozen:efficientnet-lite0", weight=1.3),
            Input((IMAGE,), "frozen:efficientnet-lite2", weight=1.3),
            Input((TEXT,), "frozen:minilm"),
            Input((EACH,), "frozen:minilm", weight=0.6),
            Input((TEXT,), "tfidf", {"width": 1024, "words": True}, weight=1.3),
        ),
        members=4,
        min_steps=120,
        kernel=0.3,
        linear=0.4,
        linear_work=60_000_000,
    ),
    # The same as ``fast`` with its encoders trained as well: for a GPU, or a few hundred products.
    "finetuned": replace(
        _FAST,
        inputs=(
            Input((IMAGE,), "finetuned:efficientnet-lite0"),
            Input((TEXT,), "finetuned:minilm"),
            Input((TEXT,), "tfidf", {"width": 128}),
        ),
        kernel=0.0,
        linear=0.0,
        epochs=6,
        min_steps=0,
        batch_size=32,
    ),
}


def find_preset(preset: str | Preset) -> Preset:
    """The preset of this name; raises TrainingError with the known ones."""
    if isinstance(preset, Preset):
        return preset
    if preset not in PRESETS:
        raise TrainingError(f'There is no preset "{preset}". {did_you_mean(preset, PRESETS)}')
    return PRESETS[preset]


def choose_inputs(
    preset: Preset,
    text_fields: Sequence[str],
    *,
    with_image: bool,
    filled: Sequence[str] | None = None,
) -> dict[str, Input]:
    """The preset's inputs that these products can fill, by name.

    Args:
        preset: What it would read.
        text_fields: What the products have, ``filled`` those that are not empty in all of them;
            all when None.
        with_image: Whether they have images.
        filled: See ``text_fields``.

    Raises:
        TrainingError: If none is left.
    """
    present = text_fields if filled is None else filled
    inputs = [
        replace(one, fields=fields)
        for one in preset.inputs
        for fields in ([(name,) for name in present] if one.fields == (EACH,) else [one.fields])
    ]
    named = {name for one in preset.inputs for name in one.fields}
    if preset.other is not None and not named & {TEXT, EACH}:
        inputs += [Input((name,), preset.other) for name in text_fields if name not in named]
    chosen = {}
    for one in inputs:
        fields: tuple[str, ...]
        if one.fields == (IMAGE,):
            fields = one.fields if with_image else ()
        elif one.fields == (TEXT,):
            fields = tuple(text_fields)
        else:
            fields = tuple(name for name in one.fields if name in text_fields)
        if fields:
            # Names of torch modules: a dot would make them nested.
            name = f"{'+'.join(one.fields)} by {one.encoder}".replace(".", "_")
            chosen[name] = replace(one, fields=fields)
    if not chosen:
        raise TrainingError(
            f"The preset reads {', '.join(sorted(named))}; the products have "
            f"{', '.join([*text_fields, *([IMAGE] if with_image else [])]) or 'no fields'}."
        )
    return chosen
