import colorsys
import io
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from productnet.evaluation.certainty import CertaintyMetrics, measure_certainty
from productnet.evaluation.hierarchy import Kinship, level_scores
from productnet.evaluation.reliability import Calibration, calibration
from productnet.evaluation.report.data import (
    Compared,
    ConfusedLeaves,
    EmbeddingFacts,
    EmbeddingMap,
    Headline,
    LeafCoverage,
    LeafReport,
    MapGroup,
    MapLabel,
    Picture,
    ReportData,
    SourceCurve,
    SourceViews,
    Strip,
    StripRow,
)
from productnet.evaluation.round_metrics import Epoch, RoundMetrics
from productnet.evaluation.standings import Standing
from productnet.evaluation.table import TableRow
from productnet.master.certainty import Certainty
from productnet.master.held_out import HeldOut

SOURCES = {"random": 0.03, "keyword": 0.45, "nearest": 0.6, "active": 0.85, "mixed": 0.9}
THINGS = {
    "Kitchen": ["Mugs", "Tumblers", "Teapots", "Frying pans", "Stock pots", "Chopping boards"],
    "Furniture": ["Dining chairs", "Armchairs", "Stools", "Bookshelves", "Desks", "Sofas"],
    "Clothing": ["T-shirts", "Shirts", "Jeans", "Skirts", "Coats", "Socks", "Scarves"],
    "Footwear": ["Sneakers", "Boots", "Sandals", "Slippers"],
    "Garden": ["Watering cans", "Spades", "Garden hoses", "Plant pots", "Lanterns"],
    "Office": ["Ballpoint pens", "Notebooks", "Staplers", "Desk lamps"],
    "Toys": ["Building blocks", "Plush animals", "Jigsaw puzzles", "Kites", "Dolls"],
    "Sports & outdoors": ["Footballs", "Tents", "Yoga mats"],
}


def picture(rng: np.random.Generator, title: str) -> Picture:
    """A drawn thing on a pale ground, as a JPEG of thumbnail size."""
    shade = colorsys.hsv_to_rgb(rng.random(), 0.35 + 0.5 * rng.random(), 0.35 + 0.5 * rng.random())
    fill = tuple(int(255 * part) for part in shade)
    image = Image.new("RGB", (96, 96), (250, 249, 246))
    draw = ImageDraw.Draw(image)
    left, top = rng.integers(8, 24, 2).tolist()
    right, bottom = rng.integers(70, 90, 2).tolist()
    shapes: list[Callable[..., None]] = [draw.ellipse, draw.rectangle, draw.rounded_rectangle]
    shapes[int(rng.integers(3))]((left, top, right, bottom), fill=fill)
    draw.line((left, bottom, right, top), fill=(255, 255, 255), width=int(rng.integers(1, 7)))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=75)
    return Picture(product=title.lower(), title=title, image=file.getvalue())


def table(number: int, gold: int) -> tuple[TableRow, ...]:
    better = 0.03 * number
    test = gold // 5
    shares = {
        "master": (0.86, 0.95, 0.97, 0.85),
        "text only": (0.82, 0.92, 0.95, 0.80),
        "image only": (0.68, 0.86, 0.91, 0.66),
        "bag of words": (0.80, 0.90, 0.93, 0.79),
    }
    return tuple(
        TableRow(
            name=name,
            top1=min(0.995, top1 + better),
            top3=min(0.995, top3 + better),
            top5=min(0.995, top5 + better),
            macro_f1=f1 + better,
            seconds=41.0,
            n_train=gold - test,
            n_test=test,
        )
        for name, (top1, top3, top5, f1) in shares.items()
    )


def overconfident(rng: np.random.Generator) -> Calibration:
    confidence = 1 - rng.beta(1.2, 5, 900)
    return calibration(confidence, rng.random(900) < confidence**1.4)


def guesses(rng: np.random.Generator, count: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities (N, K), and classes (N,) drawn by them."""
    logits = rng.normal(size=(count, classes))
    logits[np.arange(count), rng.integers(0, classes, count)] += rng.gamma(4, 2, count)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return chances, (chances.cumsum(axis=1) > rng.random((count, 1))).argmax(axis=1)


def certainty(
    rng: np.random.Generator, paths: Mapping[str, tuple[str, ...]], *, held_out: int = 2_000
) -> Certainty:
    """What a calibrated model would promise of these classes."""
    chances, truth = guesses(rng, held_out, len(paths))
    kept = HeldOut.of(
        chances,
        truth,
        raw=chances.max(axis=1),
        known=rng.normal(3, 1, held_out),
        unknown=rng.normal(1, 1, held_out),
        unknown_leaf=rng.integers(0, 40, held_out),
        folds=5,
    )
    return Certainty(tuple(paths), kept)


def certainty_metrics(rng: np.random.Generator, names: list[str]) -> CertaintyMetrics:
    paths: dict[str, tuple[str, ...]] = {name: ("Things", name) for name in names}
    chances, truth = guesses(rng, 800, len(names))
    return measure_certainty(
        certainty(rng, paths),
        chances,
        truth,
        [("Things", names[number]) for number in truth],
        paths,
        temperature=1.3,
        seed=0,
    )


def round_metrics(rng: np.random.Generator, number: int) -> RoundMetrics:
    history = [
        Epoch(
            loss=2.9 * np.exp(-epoch / 6) + 0.15 + 0.05 * rng.random(),
            accuracy=float(0.93 - 0.8 * np.exp(-epoch / 5)),
            validation_loss=2.9 * np.exp(-epoch / 6) + 0.3 + 0.05 * rng.random(),
        )
        for epoch in range(30)
    ]
    return RoundMetrics(
        round=number,
        finished_at="2026-01-01T00:00:00+00:00",
        table=table(number, 600 * number),
        levels=(0.985, 0.961, 0.86 + 0.03 * number),
        calibration=overconfident(rng),
        confused=(),
        history=tuple(history),
        hierarchy=level_scores(
            [("Kitchen", "Mugs"), ("Kitchen", "Cups")], [("Kitchen", "Cups"), ("Kitchen", "Cups")]
        ),
        kinship=Kinship(0.81, 0.44, 0.2, 0.05, 0.52, 0.78, 900),
        certainty=certainty_metrics(rng, ["Mugs", "Cups", "Sofas", "Kites"]),
        seconds={"train": 41.0, "evaluate": 3.2, "embed": 66.0, "index": 0.4, "recommend": 2.0},
    )


def comparison(sources: tuple[str, ...]) -> Compared:
    """Sources that find at the rates of ``SOURCES``, the last one the best."""
    views = tuple(range(0, 401, 20))
    rates = dict(zip(sources, SOURCES.values(), strict=False))

    def curve(source: str, rate: float) -> SourceCurve:
        found = tuple(90 * (1 - np.exp(-rate * view / 110)) for view in views)
        return SourceCurve(source, views, found, tuple(0.05 * count for count in found))

    def standing(source: str, rate: float) -> Standing:
        found = (9 * rate, 45 * rate)
        return Standing(source, found, rate, 120 / rate, 10, 600 * rate, 60 * rate)

    return Compared(
        leaves=12,
        seeds=3,
        views=400,
        target=100,
        round=2,
        after=(20, 100),
        standings=tuple(standing(source, rate) for source, rate in rates.items()),
        chance=standing("by chance", 0.03),
        best=standing("at best", 1.0),
        curves=tuple(curve(source, rate) for source, rate in rates.items()),
        ceiling=curve("at best", 1.0),
        spreads=tuple(
            SourceViews(source, 90 / rate, 120 / rate if rate > 0.5 else None, None)
            for source, rate in rates.items()
        ),
    )


def make_report(things: dict[str, list[str]] = THINGS, *, seed: int = 0) -> ReportData:
    """A project some rounds on, with everything that the page can show."""
    rng = np.random.default_rng(seed)
    paths = [(top, "All " + top.lower(), name) for top, names in things.items() for name in names]

    def pictures(name: str, count: int) -> tuple[Picture, ...]:
        return tuple(picture(rng, f"{name} No. {n}") for n in range(count))

    def leaf(path: tuple[str, ...]) -> LeafReport:
        gold = min(60, int(rng.integers(20, 75)))
        found = gold + int(rng.integers(0, 12))
        decisions = int(found * rng.uniform(2.2, 4))
        return LeafReport(
            path=path,
            gold=gold,
            to_audit=found - gold,
            hard_negatives=int(rng.integers(10, 61)),
            disputed=int(rng.integers(0, 3)),
            decisions=decisions,
            seconds=decisions * 2.6,
            random_decisions=found * rng.uniform(15, 160),
            picture=picture(rng, path[-1]),
        )

    def strip(path: tuple[str, ...]) -> Strip:
        rows = [
            StripRow(
                source,
                pictures(path[-1], 16),
                tuple(bool(hit) for hit in rng.random(16) < rate),
            )
            for source, rate in SOURCES.items()
        ]
        return Strip(path, tuple(rows))

    leaves = tuple(leaf(path) for path in paths)
    centres = {path: rng.normal(size=2) * 2 for path in paths}
    for top in things:
        middle = rng.normal(size=2) * 4
        for path in paths:
            if path[0] == top:
                centres[path] = centres[path] + middle
    clouds = {path: centre + rng.normal(size=(45, 2)) * 0.5 for path, centre in centres.items()}
    groups = tuple(
        MapGroup(
            top,
            tuple((float(x), float(y)) for p, c in clouds.items() if p[0] == top for x, y in c),
        )
        for top in things
    )
    labels = tuple(
        MapLabel(path[-1], path[0], float(centre[0]), float(centre[1]), int(rng.integers(20, 60)))
        for path, centre in centres.items()
    )
    pairs = [(paths[a], paths[(a + 1) % len(paths)]) for a in range(0, len(paths), 5)]
    confused = tuple(
        ConfusedLeaves(
            truth,
            said,
            count=12 - n,
            share=0.3 - 0.02 * n,
            mistaken=pictures(truth[-1], 4),
            typical_truth=pictures(truth[-1], 2),
            typical_predicted=pictures(said[-1], 2),
        )
        for n, (truth, said) in enumerate(pairs)
    )
    return ReportData(
        project="Corner shop",
        generated_at="1 January 2026, 12:00 UTC",
        taxonomy="corner-1",
        headline=Headline(
            products=12_480,
            with_image=12_102,
            leaves=len(leaves),
            decisions=sum(one.decisions for one in leaves),
            seconds=sum(one.seconds for one in leaves),
            gold=sum(one.gold for one in leaves),
            hard_negatives=sum(one.hard_negatives for one in leaves),
            disputed=sum(one.disputed for one in leaves),
            releases=1,
        ),
        leaves=leaves,
        rounds=tuple(round_metrics(rng, number) for number in (1, 2, 3)),
        confused=confused,
        coverages=tuple(
            LeafCoverage(path, (0.99, 0.9, 0.9 * number / len(paths)))
            for number, path in enumerate(paths)
        ),
        strips=(strip(paths[0]), strip(paths[len(paths) // 2])),
        compared=comparison(tuple(SOURCES)),
        map=EmbeddingMap(groups, labels, share=0.31),
        embeddings=(
            EmbeddingFacts("initial", "efficientnet-lite0 + minilm", 256, 12_480, 0.937),
            EmbeddingFacts("round-0003", "master:fast", 256, 12_480),
        ),
        import_errors={"image cannot be decoded": 31, "duplicate id": 12, "missing id": 3},
    )


@pytest.fixture(scope="session")
def report() -> ReportData:
    return make_report()


@pytest.fixture(scope="session")
def small_report() -> ReportData:
    return make_report({"Kitchen": ["Mugs", "Teapots"]})


@pytest.fixture
def hostile(small_report: ReportData) -> ReportData:
    """Product, leaf and project texts that try to break out of the page."""
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    bad = Picture("p", evil, b"\xff\xd8\xff" + evil.encode())
    path = (evil, evil)
    return replace(
        small_report,
        project=evil,
        leaves=(replace(small_report.leaves[0], path=path, picture=bad),),
        confused=(ConfusedLeaves(path, path, 1, 0.5, (bad, Picture("q", evil))),),
        strips=(Strip(path, (StripRow(evil, (bad,), (None,)),)),),
        compared=comparison((evil,)),
        map=EmbeddingMap(
            (MapGroup(evil, ((0.0, 0.0), (1.0, 1.0))),), (MapLabel(evil, evil, 0, 0, 1),), 0.5
        ),
        import_errors={evil: 1},
    )
