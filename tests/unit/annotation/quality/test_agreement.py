"""Kappa and intervals, beside the libraries that are known for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score

from productnet.annotation.decisions import Verdict
from productnet.annotation.quality.agreement import Agreement, Proportion

YES, NO, UNSURE = Verdict.POSITIVE, Verdict.NEGATIVE, Verdict.UNSURE
tables = st.dictionaries(
    st.tuples(st.sampled_from(Verdict), st.sampled_from(Verdict)), st.integers(0, 40), min_size=2
)


@given(st.integers(0, 300), st.integers(1, 300))
def test_the_interval_is_wilsons(hits: int, of: int) -> None:
    hits = min(hits, of)
    ours = Proportion.count(hits, of)
    known = binomtest(hits, of).proportion_ci(method="wilson")
    assert (ours.low, ours.high) == pytest.approx((known.low, known.high), abs=1e-9)
    assert 0 <= ours.low <= hits / of <= ours.high <= 1


@given(tables)
def test_kappa_is_scikit_learns(table: dict[tuple[Verdict, Verdict], int]) -> None:
    first = [one for (one, _), count in table.items() for _ in range(count)]
    second = [two for (_, two), count in table.items() for _ in range(count)]
    kappa = Agreement.of(table).kappa
    if kappa is None:
        assert len({*first, *second}) < 2
    else:
        assert kappa == pytest.approx(cohen_kappa_score(first, second), abs=1e-9)


def test_nothing_and_one_answer_to_all_have_no_kappa() -> None:
    assert Agreement.of({}) == Agreement(Proportion(0, 0, None, 0.0, 1.0), None)
    same = Agreement.of({(YES, YES): 30})
    assert same.kappa is None
    assert same.agreed.share == 1.0
    assert same.agreed.low == pytest.approx(0.8865, abs=1e-4)


def test_chance_and_its_opposite() -> None:
    independent = {(YES, YES): 25, (YES, NO): 25, (NO, YES): 25, (NO, NO): 25}
    assert Agreement.of(independent).kappa == 0
    assert Agreement.of({(YES, NO): 5, (NO, YES): 5}).kappa == -1
    # Cohen's kappa of the classic example of 50 grant proposals: 0.4.
    assert Agreement.of({(YES, YES): 20, (YES, NO): 5, (NO, YES): 10, (NO, NO): 15}).kappa == (
        pytest.approx(0.4)
    )
