"""The dataset card: a README that people and Hugging Face both read."""

import json

from productnet.release.manifest import Manifest
from productnet.taxonomy.tree import Taxonomy

_LARGEST_LEAF_TABLE = 200

_CARD = """\
---
{front_matter}
---

# {name} {version}

{gold:,} products of {leaves:,} leaves of the taxonomy {taxonomy}, each confirmed by two people:
one labelled it, another, who could not see that answer, confirmed it, or a third settled it.
Beside them {hard:,} *hard negatives*: products that are easily taken for a leaf and do not belong
to it.

```python
from datasets import load_dataset

gold = load_dataset("PATH/TO/THIS/FOLDER")
hard = load_dataset("PATH/TO/THIS/FOLDER", "hard_negatives")
```

`train` and `test` never share variants or products of nearly the same title.

## Columns

| column | meaning |
|---|---|
| `id` | identity of the product |
{fields}
| `image` | the product's main image, or nothing |
| `label` | the leaf as a class label |
| `category_id`, `category_path` | the leaf's id and path; of a hard negative, what it is *not* |
| `verdict` | `positive` or `negative` |
| `stage` | `confirmed`, `settled`, or `labelled` (hard negatives alone) |
| `labeler`, `auditor`, `adjudicator` | who decided, by pseudonym |
| `decisions`, `decided_at` | how many decisions stand, and when the last was taken |

## Counts

| leaf | train | test | hard negatives |
|---|--:|--:|--:|
{counts}

Every file's hash is in `manifest.json`; `taxonomy.json` is the taxonomy itself.
"""


def dataset_card(manifest: Manifest, taxonomy: Taxonomy, fields: tuple[str, ...]) -> str:
    """The card's text, made from the manifest of the tables it describes."""
    shown = manifest.leaves[:_LARGEST_LEAF_TABLE]
    rows = [
        f"| {_cell(taxonomy[leaf.category].label)} | {leaf.train:,} | {leaf.test:,} "
        f"| {leaf.hard_negatives:,} |"
        for leaf in shown
    ]
    if len(shown) < len(manifest.leaves):
        rows.append(f"| and {len(manifest.leaves) - len(shown):,} more, in `manifest.json` | | | |")
    return _CARD.format(
        front_matter=_front_matter(manifest),
        name=manifest.name,
        version=manifest.version,
        gold=manifest.gold,
        hard=manifest.hard_negatives,
        leaves=sum(1 for leaf in manifest.leaves if leaf.train + leaf.test),
        taxonomy=taxonomy,
        fields="\n".join(f"| `{name}` | text, or nothing |" for name in fields),
        counts="\n".join(rows),
    )


def _front_matter(manifest: Manifest) -> str:
    """YAML, of which JSON scalars are a part; each configuration names its files by split."""
    files = {record.path for record in manifest.files}
    lines = [f"pretty_name: {json.dumps(manifest.name)}", f"version: {manifest.version}"]
    lines += ["task_categories:", "- image-classification", "- text-classification", "configs:"]
    for config, folder in (("gold", "data"), ("hard_negatives", "hard_negatives")):
        splits = [
            s for s in ("train", "test") if any(f.startswith(f"{folder}/{s}-") for f in files)
        ]
        if not splits:
            continue
        lines.append(f"- config_name: {config}")
        lines += ["  default: true"] if config == "gold" else []
        lines.append("  data_files:")
        for split in splits:
            lines += [f"  - split: {split}", f"    path: {folder}/{split}-*.parquet"]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
