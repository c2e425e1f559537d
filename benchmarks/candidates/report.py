"""The figures of all strategies as a table to read and as pictures."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.candidates.figures import Trials, curve_of
from benchmarks.candidates.ours import OURS
from benchmarks.candidates.pools import Ground
from benchmarks.candidates.race import AFTER_ROUND

Figures = Mapping[str, Any]

# Drawn of ours; of the peers the best of each family, for its variants hide one another.
_DRAWN = ("mixed", AFTER_ROUND, "active-logistic-regression")
_MOST_PEERS = 6
_COLUMNS = (
    "strategy",
    "seeds",
    "positives",
    "in rare leaves",
    "times chance there",
    "hard negatives",
    "with copies",
    "distinct",
    "cosine",
    "master top-1",
    "macro-F1",
)


def table_of(pools: Mapping[str, Figures], *, checkpoints: Sequence[int]) -> str:
    """Every pool and strategy in Markdown, the one that finds most first."""
    views = "/".join(map(str, checkpoints))
    lines = [f"Figures divided by / are those after {views} views; others those in the end.", ""]
    for name, pool in pools.items():
        any_of_them = next(iter(pool["strategies"].values()))
        rare = any_of_them["rare"]
        lines += [
            f"### {name}",
            "",
            f"{pool['products']:,} products; {any_of_them['leaves']} leaves with "
            f"{any_of_them['available']} positives to find on average.",
        ]
        if rare:
            lines += [
                f"{rare['leaves']} leaves have less than 2% of the pool, and {rare['available']} "
                f"to find: at most {_by_view(rare['most_times_chance'])} times what chance finds.",
            ]
        lines += ["", f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
        lines += [_row(strategy, figures) for strategy, figures in ranked(pool["strategies"])]
        lines += ["", *_after_round(pool["later"]), ""]
    return "\n".join(lines)


def _row(strategy: str, figures: Figures) -> str:
    rare = figures["rare"]
    last = list(figures["positives"])[-1]
    masters = figures.get("master", {}).values()
    cells = [
        f"**{strategy}**" if _is_ours(strategy) else strategy,
        figures["seeds"],
        _by_view(figures["positives"], errors=True),
        _by_view(rare["positives"], errors=True) if rare else "",
        _by_view(rare["times_chance"]) if rare else "",
        f"{figures['hard_negatives'][last]['mean']:.1f}",
        _by_view(figures["with_copies"]),
        _by_view(figures["distinct"]),
        "" if figures["cosine_among_positives"] is None else figures["cosine_among_positives"],
        " / ".join(f"{100 * one['top1']:.1f}" for one in masters),
        " / ".join(f"{100 * one['macro_f1']:.1f}" for one in masters),
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _after_round(later: Figures) -> Iterator[str]:
    """What a round after the first views changed, in a sentence for each way."""
    if not later:
        return
    begun = later["begun_with_views"]
    for name, how in (("mixed", "without a round"), (AFTER_ROUND, "after a round")):
        figures = later[name]
        views = " and ".join(figures["positives"])
        line = (
            f"The {views} views after the first {begun}, {how}: {_by_view(figures['positives'])} "
            f"of {figures['available']} positives"
        )
        if rare := figures["rare"]:
            line += (
                f"; in rare leaves {_by_view(rare['positives'])} of {rare['available']}, "
                f"{_by_view(rare['times_chance'])} times chance, where "
                f"{_by_view(rare['most_times_chance'])} is possible"
            )
        yield f"- {line}."


def _by_view(figures: Figures, *, errors: bool = False) -> str:
    cells = []
    for one in figures.values():
        error = f" ± {one['error']:.1f}" if errors and one["error"] is not None else ""
        cells.append(f"{one['mean']:.1f}{error}")
    return " / ".join(cells)


def ranked(strategies: Mapping[str, Figures]) -> list[tuple[str, Figures]]:
    """By the positives they find, summed over checkpoints."""

    def found(figures: Figures) -> float:
        return float(sum(one["mean"] for one in figures["positives"].values()))

    return sorted(strategies.items(), key=lambda each: -found(each[1]))


def draw(
    ground: Ground, shown: Mapping[str, Trials], strategies: Mapping[str, Figures], path: Path
) -> None:
    """Positives found against views, over all leaves and over the rare ones, as a picture."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    names = [name for name, _ in ranked(strategies)]
    ours = [name for name in _DRAWN if name in names]
    peers: dict[str, str] = {}
    for name in names:
        if not _is_ours(name) and name != "chance":
            peers.setdefault("-".join(name.split("-")[:2]), name)
    drawn = [*ours, *list(peers.values())[:_MOST_PEERS], *({"chance"} & shown.keys())]
    colours = plt.get_cmap("tab10").colors  # type: ignore[attr-defined]
    raced = ground.bench.starts.shape[1]
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    groups = {"all leaves": None, "leaves with less than 2% of the pool": ground.rare}
    for panel, (title, leaves) in zip(panels, groups.items(), strict=True):
        if leaves is not None and not leaves[:raced].any():
            panel.set_axis_off()
            continue
        for number, name in enumerate(drawn):
            panel.plot(
                np.concatenate([[0], curve_of(ground, shown[name], leaves)]),
                label=name,
                color=colours[number],
                linewidth=2 if name in ours else 1.2,
                linestyle="-" if name in ours else "--",
            )
        panel.set(title=f"{ground.name}: {title}", xlabel="views", ylabel="positives found")
        panel.set(xlim=(0, None), ylim=(0, None))
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _is_ours(strategy: str) -> bool:
    return strategy in OURS or strategy == AFTER_ROUND
