"""The model card: what a stranger must know before using a model, written from its own run.

Sections after Mitchell et al. 2019, *Model Cards for Model Reporting*; the head is what the
Hugging Face Hub reads.
"""

from collections.abc import Iterator, Mapping

from productnet.master.facts import Judged
from productnet.master.storage import Card

MODEL_CARD = "MODEL_CARD.md"

# Classes that are listed with their numbers of products.
_LISTED = 200


def model_card(card: Card, *, tested: Mapping[str, float] | None = None) -> str:
    """The card's text, in Markdown.

    Args:
        card: Of a trained model.
        tested: Measures by name on products that had no part in training, where there are any.
    """
    return "\n".join(_lines(card, tested or {})) + "\n"


def _lines(card: Card, tested: Mapping[str, float]) -> Iterator[str]:
    yield from _front_matter(card, tested)
    kind = "predicts a number" if card.number else f"tells {len(card.classes)} categories apart"
    yield "\n# Product model\n"
    yield (
        f"A multi-modal network that {kind}, and whose last hidden layer is a product embedding "
        f"of {card.dimension} dimensions, made with ProductNet "
        "(Wang et al. 2019, section 2.2)."
    )
    if card.preset.nested:
        cuts = ", ".join(map(str, card.preset.nested))
        yield f"\nThe embedding also serves cut off at {cuts} dimensions (Matryoshka training)."
    yield "\n## Intended use\n"
    if card.number:
        yield "The number of products like those it learnt from, from the same kinds of texts"
        yield "and images."
    else:
        yield "Categories for products like those it learnt from, with calibrated confidence;"
        yield "search for like products, and further models, on the embedding."
    yield "\n## What it reads\n"
    yield "| field | encoder |\n|---|---|"
    yield from (f"| {' + '.join(one.fields)} | `{one.encoder}` |" for one in card.inputs.values())
    yield from _data(card)
    yield from _training(card)
    yield from _measures(card, tested)
    yield from _limits(card)
    yield "\n## Licence\n"
    yield "Not stated: `license` at the head of this file is to be filled in by whoever publishes"
    yield "the model. It depends on the products it learnt from and on the pretrained encoders"
    yield "named above, each of which has a licence of its own."


def _front_matter(card: Card, tested: Mapping[str, float]) -> Iterator[str]:
    yield "---"
    yield "license: unknown"
    yield "library_name: productnet"
    yield "tags: [products, e-commerce, multi-modal]"
    yield f"pipeline_tag: {'tabular-regression' if card.number else 'feature-extraction'}"
    held_out = card.facts.held_out if card.facts else None
    accuracy = tested.get("top-1", held_out.accuracy if held_out else None)
    if accuracy is not None:
        yield "metrics: [accuracy, f1]"
    yield "---"


def _data(card: Card) -> Iterator[str]:
    yield "\n## Data\n"
    facts = card.facts
    if facts is None:
        yield "Nothing is known of the data: the model was saved before this was recorded."
        return
    yield f"- {facts.products:,} products with a known {'number' if card.number else 'category'}"
    if facts.rejected:
        yield f"- {facts.rejected:,} products of none of the categories"
    yield f"- Taxonomy: {card.taxonomy or 'not given'}"
    if facts.body:
        yield f"- Transferred from {facts.body}"
    if card.classes:
        counted = sorted(zip(facts.per_class, card.classes, strict=True), reverse=True)
        yield f"\n<details><summary>{len(counted)} categories</summary>\n"
        yield "| category | products |\n|---|---|"
        yield from (f"| {_cell(name)} | {count:,} |" for count, name in counted[:_LISTED])
        if len(counted) > _LISTED:
            yield f"| {len(counted) - _LISTED} more | |"
        yield "\n</details>"


def _training(card: Card) -> Iterator[str]:
    preset = card.preset
    yield "\n## Training\n"
    yield (
        f"AdamW, learning rate {preset.learning_rate:g} after warm-up, then a cosine down to zero; "
        f"batches of {preset.batch_size}; weight decay {preset.weight_decay:g}; dropout "
        f"{preset.dropout:g}; {len(card.history)} epochs; seed {card.seed}."
    )
    if preset.refit:
        yield "\nTrained once more on all products, when calibration was known."
    if card.facts and card.facts.shares:
        parts = ", ".join(f"{name} {share:.2f}" for name, share in card.facts.shares.items())
        stacked = ", stacked on the products held out" if card.facts.held_out else ""
        yield f"\nShares of the logits{stacked}: {parts}."
    if card.facts:
        versions = ", ".join(f"{name} {version}" for name, version in card.facts.versions.items())
        yield f"\n{card.facts.parameters:,} parameters. {versions}."


def _measures(card: Card, tested: Mapping[str, float]) -> Iterator[str]:
    yield "\n## Measures\n"
    held_out = card.facts.held_out if card.facts else None
    if tested:
        yield "On products that had no part in training:\n"
        yield from _table(tested)
    if held_out is None:
        yield "\nNo products were held out of training." if not tested else ""
        return
    yield f"\nOn {held_out.products:,} products held out of training"
    if card.preset.refit:
        yield "(of the model before it was trained once more on all products)"
    yield "\n"
    yield from _table(_measured(held_out))
    if card.temperature != 1:
        yield (
            f"\nCalibration: logits are divided by {card.temperature:.3f}, found on the products "
            "held out, so the calibration error above is optimistic."
        )


def _measured(held_out: Judged) -> Mapping[str, float]:
    named = {
        "top-1": held_out.accuracy,
        "top-3": held_out.top3,
        "macro F1": held_out.macro_f1,
        "expected calibration error": held_out.calibration_error,
        "mean absolute error": held_out.absolute_error,
        "R²": held_out.r2,
    }
    return {name: value for name, value in named.items() if value is not None}


def _table(values: Mapping[str, float]) -> Iterator[str]:
    yield "| measure | value |\n|---|---|"
    yield from (f"| {name} | {value:.3f} |" for name, value in values.items())


def _limits(card: Card) -> Iterator[str]:
    yield "\n## Limits\n"
    facts = card.facts
    if card.classes and not card.abstains:
        yield '- It knows no "none of these": a product of another category gets one of its own.'
    if facts and facts.per_class and min(facts.per_class) < 10:
        rare = sum(count < 10 for count in facts.per_class)
        yield f"- {rare} categories were learnt from fewer than ten products each."
    yield "- Texts in languages, and pictures of kinds, that it has not seen may mislead it."
    yield "- Labels were given by people or feeds, and hold errors; the measures hold them too."


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
