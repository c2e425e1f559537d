import pytest

from productnet.errors import UnknownName
from productnet.registry import Entry, Registry

SHAPES: Registry[type] = Registry(
    "shape",
    {"text": Entry("builtins:str", "a string"), "number": Entry("builtins:int", "an integer")},
)


def test_a_piece_is_found_by_name() -> None:
    assert SHAPES["number"] is int
    assert SHAPES.help("number") == "an integer"
    assert list(SHAPES) == ["text", "number"]
    assert "text" in SHAPES


def test_an_unknown_name_answers_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match='There is no shape "txet". Did you mean "text"'):
        SHAPES["txet"]


def test_an_unknown_name_near_nothing_answers_with_all_of_them() -> None:
    with pytest.raises(UnknownName, match="Known: number, text."):
        SHAPES["zzz"]


def test_a_piece_is_imported_only_when_asked_for() -> None:
    broken: Registry[object] = Registry("thing", {"gone": Entry("no.such.module:x", "nothing")})
    assert list(broken) == ["gone"]
    with pytest.raises(ModuleNotFoundError):
        broken["gone"]
