"""What an auditor is shown moves alike whatever was said: on arbitrary leaves and answers."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from productnet.annotation.audits import audit_sheet, audited_by
from productnet.annotation.decisions import Decision, Role, Verdict
from productnet.annotation.state import State

YES, NO = Verdict.POSITIVE, Verdict.NEGATIVE
SOURCES = ("random", "nearest", "master", None)

Choice = tuple[Verdict, str | None, float, str]

labels = st.lists(
    st.tuples(
        st.sampled_from([YES, NO]), st.sampled_from(SOURCES), st.floats(0, 1), st.sampled_from("ab")
    ),
    max_size=40,
)


def decision(
    number: int, product: str, verdict: Verdict, role: Role, by: str, **more: object
) -> tuple[int, Decision]:
    return number, Decision(
        id=UUID(int=number),
        product=product,
        category="mugs",
        verdict=verdict,
        role=role,
        annotator=by,
        at=datetime(2026, 11, 25, tzinfo=UTC),
        **more,  # type: ignore[arg-type]
    )


def labelled(choices: list[Choice]) -> State:
    """A leaf labelled by "a" and "b"."""
    state = State()
    state.apply(
        decision(number, f"p{number}", verdict, Role.LABEL, by, source=source, score=score)
        for number, (verdict, source, score, by) in enumerate(choices, start=1)
    )
    return state


@given(labels, st.data())
def test_an_audit_takes_one_product_off_and_changes_nothing_else(
    choices: list[Choice], data: st.DataObject
) -> None:
    state = labelled(choices)
    sheet = audit_sheet(state, "mugs", auditor="z", count=100)
    assert sheet == audit_sheet(state, "mugs", auditor="z", count=100)
    if not sheet.products:
        return
    audited = data.draw(st.lists(st.sampled_from(sheet.products), unique=True))
    for number, product in enumerate(audited, start=1_000):
        verdict = data.draw(st.sampled_from(list(Verdict)))
        state.apply([decision(number, product, verdict, Role.AUDIT, "z")])
        rest = [one for one in sheet.products if one not in audited[: number - 999]]
        after = audit_sheet(state, "mugs", auditor="z", count=100)
        assert after.products == rest
        assert after.left == len(rest)
    assert audited_by(state, "mugs", "z") == set(audited)


@given(labels, st.integers(1, 12))
def test_pages_are_the_sheet_cut_up(choices: list[Choice], count: int) -> None:
    state = labelled(choices)
    whole = audit_sheet(state, "mugs", auditor="z", count=1_000)
    assert whole.cursor is None
    shown, cursor = [], ""
    while True:
        page = audit_sheet(state, "mugs", auditor="z", count=count, after=cursor)
        shown += page.products
        assert page.left == whole.left
        if page.cursor is None:
            break
        cursor = page.cursor
    assert shown == whole.products


@given(labels)
def test_all_positives_of_others_and_about_as_many_negatives(
    choices: list[Choice],
) -> None:
    shown = set(audit_sheet(labelled(choices), "mugs", auditor="b", count=1_000).products)
    kinds: dict[Verdict, set[str]] = {YES: set(), NO: set()}
    for number, (verdict, _, _, by) in enumerate(choices, start=1):
        if by != "b":
            kinds[verdict].add(f"p{number}")
    assert kinds[YES] <= shown <= kinds[YES] | kinds[NO]
    beside = len(shown - kinds[YES])
    assert beside <= 1.5 * len(kinds[YES]) + 0.5
    assert beside >= min(len(kinds[NO]), len(kinds[YES]) * 2 / 3 - 0.5)


def test_the_hardest_negatives_come_first_and_the_order_tells_no_answer() -> None:
    choices: list[Choice] = [(YES, "nearest", 0.5, "a")] * 20
    choices += [(NO, "nearest", place / 40, "a") for place in range(40)]
    choices += [(NO, "master", 0.1, "a"), (NO, "random", 1.0, "a")]
    state = labelled(choices)
    sheets = [audit_sheet(state, "mugs", auditor=f"z{n}", count=100) for n in range(30)]
    for sheet in sheets:
        assert "p61" in sheet.products
        assert "p62" not in sheet.products
        negatives = {int(one[1:]) for one in sheet.products if 20 < int(one[1:]) <= 60}
        assert negatives == set(range(61 - len(negatives), 61))
    assert len({sheet.left for sheet in sheets}) > 5
    firsts = [int(sheet.products[0][1:]) <= 20 for sheet in sheets]
    assert 5 < sum(firsts) < 25
