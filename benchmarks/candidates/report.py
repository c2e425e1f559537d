"""The figures of all strategies as a table to read and as pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.candidates.figures import Trials, curve_of
from benchmarks.candidates.ours import OURS
from benchmarks.candidates.pools import Ground

# A name a strategy, the figures as ``__main__`` makes them.
Strategies = Mapping[str, Mapping[str, Any]]

# Curves beyond these would hide one another.
_MOST_CURVES = 9


def table_of(pools: Mapping[str, Mapping[str, Any]], *, checkpoints: Sequence[int]) -> str:
    """Every pool and strategy, best first, in Markdown."""
    views = "/".join(map(str, checkpoints))
    lines: list[str] = []
    for name, pool in pools.items():
        chance = next(iter(pool["strategies"].values()))
        rare = chance["rare"]
        lines += [
            f"### {name}",
            "",
            f"{pool['products']:,} products; {chance['leaves']} leaves with {chance['available']} "
            f"positives to find on average, {rare['leaves'] if rare else 0} of them with less "
            "than 2% of the pool" + (f" and {rare['available']} to find." if rare else "."),
            "",
            f"| strategy | seeds | positives after {views} views | in rare leaves | there, times "
            "chance | hard negatives | titles | cosine | master top-1 | macro-F1 |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]
        if rare:
            lines.append(
                f"| *the most possible* | | | | {_by_view(rare['most_times_chance'])} | | | | | |"
            )
        lines += [_row(strategy, figures) for strategy, figures in _ranked(pool["strategies"])]
        lines.append("")
    return "\n".join(lines)


def _row(strategy: str, figures: Mapping[str, Any]) -> str:
    rare = figures["rare"]
    last = list(figures["positives"])[-1]
    accuracies = figures.get("master", {})
    cells = [
        f"**{strategy}**" if strategy in OURS or "round" in strategy else strategy,
        str(figures["seeds"]),
        _by_view(figures["positives"], errors=True),
        _by_view(rare["positives"]) if rare else "",
        _by_view(rare["times_chance"]) if rare else "",
        f"{figures['hard_negatives'][last]['mean']:.1f}",
        f"{figures['distinct_titles']['mean']:.1f}",
        "" if figures["cosine_among_positives"] is None else f"{figures['cosine_among_positives']}",
        " / ".join(f"{100 * one['top1']:.1f}" for one in accuracies.values()),
        " / ".join(f"{100 * one['macro_f1']:.1f}" for one in accuracies.values()),
    ]
    return f"| {' | '.join(cells)} |"


def _by_view(figures: Mapping[str, Any], *, errors: bool = False) -> str:
    cells = []
    for one in figures.values():
        shown_error = f" ± {one['error']:.1f}" if errors and one["error"] is not None else ""
        cells.append(f"{one['mean']:.1f}{shown_error}")
    return " / ".join(cells)


def _ranked(strategies: Strategies) -> list[tuple[str, Mapping[str, Any]]]:
    """By positives, summed over checkpoints."""

    def found(figures: Mapping[str, Any]) -> float:
        return float(sum(one["mean"] for one in figures["positives"].values()))

    return sorted(strategies.items(), key=lambda each: -found(each[1]))


def draw(ground: Ground, shown: Mapping[str, Trials], strategies: Strategies, path: Path) -> None:
    """Positives found against views, over all leaves and over the rare ones, as a picture."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    ranked = [name for name, _ in _ranked(strategies)]
    kept = [name for name in ranked if name in OURS][:3]
    kept += [name for name in ranked if name not in OURS][: _MOST_CURVES - len(kept) - 1]
    if "chance" in ranked and "chance" not in kept:
        kept.append("chance")
    groups = {"all leaves": None, "leaves with less than 2% of the pool": ground.rare}
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    colours = plt.get_cmap("tab10").colors  # type: ignore[attr-defined]
    for panel, (title, leaves) in zip(panels, groups.items(), strict=True):
        raced = ground.bench.starts.shape[1]
        if leaves is not None and not leaves[:raced].any():
            panel.set_axis_off()
            continue
        for number, name in enumerate(sorted(kept, key=ranked.index)):
            curve = np.concatenate([[0], curve_of(ground, shown[name], leaves)])
            ours = name in OURS
            panel.plot(
                curve,
                label=name,
                color=colours[number % len(colours)],
                linewidth=2.2 if ours else 1.2,
                linestyle="-" if ours else "--",
            )
        panel.set(title=f"{ground.name}: {title}", xlabel="views", ylabel="positives found")
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].legend(fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    plt.close(figure)
