"""What a model may promise is kept with it."""

from pathlib import Path

from productnet.master.model import MasterModel
from tests.unit.master.test_cross_fit import WORDS, shop


def test_what_was_found_is_told_in_a_few_figures_and_survives_saving(
    tmp_path: Path,
) -> None:
    model = MasterModel(WORDS, dimension=8).fit(shop(210), "kind", folds=3)
    model.save(tmp_path / "model")
    loaded = MasterModel.load(tmp_path / "model")
    assert loaded.certainty == model.certainty
    found = loaded.certainty.summary()
    assert found == model.certainty.summary()
    assert (found.held_out, found.folds, found.unknown) == (210, 3, 210)
    assert found.error < 0.1
    # 210 products cannot be certain of 99%.
    assert found.certified[0.99] is False
    assert found.coverage[0.9] >= found.coverage[0.99]
    table = shop(70, seed=4)
    for rate in (None, 0.2):
        ours, theirs = (
            one.decide(table, precision=0.9, false_accept=rate) for one in (model, loaded)
        )
        assert ours.categories == theirs.categories
