"""Every field encoder on one screen. A new one is one file and one line here."""

from collections.abc import Mapping
from inspect import signature

from productnet.errors import TrainingError, did_you_mean
from productnet.master.fields.base import Field, FieldEncoder, Json
from productnet.registry import Entry, Registry

_HERE = "productnet.master.fields"

FIELD_ENCODERS = Registry[type[FieldEncoder]](
    "field encoder",
    {
        "attention-lstm": Entry(
            f"{_HERE}.attention_lstm:AttentionLstm", "LSTM with attention; the paper's for titles"
        ),
        "dpcnn": Entry(
            f"{_HERE}.dpcnn:Dpcnn", "deep pyramid CNN; the paper's for descriptions and bullets"
        ),
        "fasttext": Entry(
            f"{_HERE}.fasttext:FastText", "mean of hashed n-grams; the paper's for keywords"
        ),
        "inception-v4": Entry(
            f"{_HERE}.inception:Inception",
            "Inception-v4 trained end to end, from weights in a file (inception-v4:FILE), "
            "from timm (inception-v4) or from chance (inception-v4:random)",
        ),
        "frozen": Entry(
            f"{_HERE}.frozen:Frozen", "features of a pretrained encoder, as in frozen:minilm"
        ),
        "finetuned": Entry(
            f"{_HERE}.finetuned:Finetuned",
            "a pretrained encoder that trains with the rest, as in finetuned:minilm",
        ),
        "tfidf": Entry(
            f"{_HERE}.tfidf:Tfidf", "hashed TF-IDF on its main axes, and all words for a linear SVM"
        ),
    },
)


def encoder_class(name: str) -> type[FieldEncoder]:
    """The class that a name such as ``frozen:minilm`` asks for; raises UnknownName."""
    return FIELD_ENCODERS[name.partition(":")[0]]


def learn_encoder(name: str, field: Field, settings: Mapping[str, Json]) -> FieldEncoder:
    """An encoder made ready for these training products.

    Raises:
        UnknownName: No encoder is called so.
        TrainingError: It has no such setting.
        EncoderError: Its weights are not here.
    """
    _, colon, variant = name.partition(":")
    learn = encoder_class(name).learn
    known = list(signature(learn).parameters)[1:]
    for setting in settings:
        if setting not in known:
            hint = did_you_mean(setting, known)
            raise TrainingError(
                f'Field encoder "{name}" has no setting "{setting}". {hint}'.rstrip()
            )
    if colon and "variant" not in known:
        raise TrainingError(f'Field encoder "{name}" takes nothing behind a colon.')
    return learn(field, **({"variant": variant} if "variant" in known else {}), **settings)
