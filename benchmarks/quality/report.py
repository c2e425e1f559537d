"""The figures of a race as one object, as a table to read and as pictures."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from benchmarks.quality.ours import OURS
from benchmarks.quality.race import Outcome

Figures = dict[str, Any]


def figures_of(outcomes: Sequence[Outcome]) -> Figures:
    """Set to what was asked of it to contender to means and spreads over seeds."""
    told: dict[tuple[str, str, str], list[tuple[float, float, Outcome]]] = defaultdict(list)
    for outcome in outcomes:
        trial = outcome.trial
        for damage, score in outcome.scores.items():
            told[trial.ground, _asked(outcome, damage), trial.contender].append(
                (score.accuracy, score.macro_f1, outcome)
            )
    figures: Figures = {}
    for (ground, asked, contender), scores in told.items():
        figures.setdefault(ground, {}).setdefault(asked, {})[contender] = {
            "accuracy": _spread([one[0] for one in scores]),
            "macro_f1": _spread([one[1] for one in scores]),
            "seeds": len(scores),
            "train_seconds": mean(one[2].seconds for one in scores),
            "train_processor_seconds": mean(one[2].processor for one in scores),
            "train": scores[0][2].products[0],
            "test": scores[0][2].products[1],
            "chosen": [dict(one[2].chosen) for one in scores],
        }
    return figures


def errors_beside_rivals(contenders: Mapping[str, Figures], ours: str = "best") -> float | None:
    """Our errors divided by those of the most accurate rival; None where one is missing."""
    rivals = [one["accuracy"]["mean"] for name, one in contenders.items() if name not in OURS]
    if ours not in contenders or not rivals:
        return None
    errors: float = 1 - contenders[ours]["accuracy"]["mean"]
    ratio: float = errors / max(1e-9, 1 - max(rivals))
    return ratio


def table_of(figures: Figures) -> str:
    """Everything in Markdown, the most accurate first."""
    lines = []
    for ground, asked_of in figures.items():
        for asked, contenders in asked_of.items():
            lines += [f"### {ground}: {asked}", ""]
            if (ratio := errors_beside_rivals(contenders)) is not None:
                lines += [f"Errors of `best` over those of the best rival: {ratio:.2f}.", ""]
            lines += [
                "| | accuracy | macro-F1 | seeds | seconds to train |",
                "|---|---|---|---|---|",
            ]
            ranked = sorted(contenders.items(), key=lambda item: -item[1]["accuracy"]["mean"])
            lines += [_row(name, one) for name, one in ranked]
            lines.append("")
    return "\n".join(lines)


def draw(figures: Figures, folder: Path) -> None:
    """Learning curves, a picture a set that has them."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    for ground, asked_of in figures.items():
        curves: dict[str, list[tuple[int, float, float]]] = defaultdict(list)
        for asked, contenders in asked_of.items():
            if asked.endswith("a leaf"):
                for name, one in contenders.items():
                    told = one["accuracy"]
                    curves[name].append((int(asked.split()[0]), told["mean"], told["spread"]))
        if not curves:
            continue
        figure, axes = pyplot.subplots(figsize=(7, 4.5))
        for name, points in sorted(curves.items()):
            counts, means, spreads = zip(*sorted(points), strict=True)
            width = 2.5 if name in OURS else 1.2
            axes.errorbar(counts, means, spreads, label=name, linewidth=width, capsize=2)
        axes.set_xscale("log", base=2)
        axes.set_xticks(sorted({count for points in curves.values() for count, _, _ in points}))
        axes.get_xaxis().set_major_formatter(matplotlib.ticker.ScalarFormatter())
        axes.set(xlabel="training products of each leaf", ylabel="accuracy", title=ground)
        axes.legend()
        axes.grid(alpha=0.3)
        figure.savefig(folder / f"{ground}.png", dpi=110, bbox_inches="tight")
        pyplot.close(figure)


def _asked(outcome: Outcome, damage: str) -> str:
    trial = outcome.trial
    if trial.per_leaf is not None:
        return f"{trial.per_leaf} a leaf"
    if trial.without:
        return f"learnt without {', '.join(trial.without)}"
    return damage


def _row(name: str, one: Figures) -> str:
    label = f"**{name}**" if name in OURS else name
    return (
        f"| {label} | {_number(one['accuracy'])} | {_number(one['macro_f1'])} | {one['seeds']} | "
        f"{one['train_seconds']:.1f} |"
    )


def _number(told: Mapping[str, float]) -> str:
    return f"{100 * told['mean']:.1f} ± {100 * told['spread']:.1f}"


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"mean": mean(values), "spread": stdev(values) if len(values) > 1 else 0.0}
