from pathlib import Path

import numpy as np
import pytest

from productnet.errors import ModelError
from productnet.evaluation.round_metrics import Epoch, RoundMetrics, measure_round
from productnet.evaluation.simulation_record import FirstPage, Found, SimulationRecord
from productnet.evaluation.table import Scored

PATHS = {"mugs": ("Kitchen", "Mugs"), "cups": ("Kitchen", "Cups"), "sofas": ("Home", "Sofas")}


def metrics() -> RoundMetrics:
    scores = np.array([[0.1, 0.9, 0.0], [0.3, 0.5, 0.2], [0.6, 0.2, 0.2], [0.2, 0.1, 0.7]])
    return measure_round(
        Scored(scores, ("cups", "mugs", "sofas")),
        {"p1": "mugs", "p2": "cups", "p3": "cups", "p4": "sofas"},
        PATHS,
        round=2,
        finished_at="2026-01-01T00:00:00+00:00",
        n_train=10,
        seconds={"train": 4.5, "evaluate": 0.5},
        history=[Epoch(0.9, accuracy=0.5, validation_loss=0.8)],
    )


def test_a_round_is_measured_from_its_probabilities() -> None:
    measured = metrics()
    assert measured.master.top1 == 0.75
    assert measured.master.top3 == 1.0
    assert measured.master.seconds == 4.5
    assert measured.levels == (1.0, 0.75)
    [pair] = measured.confused
    assert (pair.truth, pair.predicted, pair.examples) == ("cups", "mugs", ("p2",))
    assert measured.calibration.ece == pytest.approx(0.75 - (0.9 + 0.5 + 0.6 + 0.7) / 4)


def test_metrics_survive_a_round_trip(tmp_path: Path) -> None:
    measured = metrics()
    measured.save(tmp_path / "metrics.json")
    assert RoundMetrics.load(tmp_path / "metrics.json") == measured


def test_a_simulation_survives_a_round_trip(tmp_path: Path) -> None:
    record = SimulationRecord(
        found=(Found("mugs", "random", 0, 12, 900, 100, (7, 80)),),
        pages=(FirstPage("mugs", "random", ("p1", "p2", "p3"), (True, False, None)),),
        reference_counts={"mugs": 12},
        views=100,
        after=(20, 50),
    )
    record.save(tmp_path / "reports" / "simulation.json")
    assert SimulationRecord.load(tmp_path / "reports" / "simulation.json") == record


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is damaged"),
        ("[]", "has format None"),
        ('{"format_version": 9}', "has format 9; this version of ProductNet reads format 1"),
        ('{"format_version": 1, "round": "two"}', "is damaged"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "metrics.json").write_text(text)
    with pytest.raises(ModelError, match=complaint):
        RoundMetrics.load(tmp_path / "metrics.json")


def test_a_simulation_of_an_older_version_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "simulation.json").write_text('{"curves": [], "format_version": 1}')
    with pytest.raises(ModelError, match="has format 1.*reads format 2.*`productnet simulate`"):
        SimulationRecord.load(tmp_path / "simulation.json")


def test_a_missing_file_names_the_command_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="`productnet simulate` writes it"):
        SimulationRecord.load(tmp_path / "simulation.json")
