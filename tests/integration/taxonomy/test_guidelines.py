from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from productnet.errors import TaxonomyError
from productnet.taxonomy.guidelines import (
    Guideline,
    guideline_file,
    read_guideline,
    write_guideline,
)
from productnet.taxonomy.tree import Category

MUGS = Category("kitchen/mugs", ("Kitchen", "Mugs"))
texts = st.text(st.characters(codec="utf-8"))
guidelines = st.builds(
    Guideline, texts, *[st.lists(texts, max_size=3).map(tuple) for _ in range(3)]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(guideline=guidelines)
def test_what_is_written_is_read(guideline: Guideline, tmp_path: Path) -> None:
    write_guideline(tmp_path, MUGS, guideline)
    assert read_guideline(tmp_path, MUGS) == guideline


def test_nobody_wrote_one_yet(tmp_path: Path) -> None:
    assert read_guideline(tmp_path, MUGS) == Guideline()


def test_people_may_leave_keys_out(tmp_path: Path) -> None:
    write_guideline(tmp_path, MUGS, Guideline())
    guideline_file(tmp_path, MUGS).write_text('include = ["Travel mugs"]\n', encoding="utf-8")
    assert read_guideline(tmp_path, MUGS) == Guideline(include=("Travel mugs",))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("include = [", "mugs.toml is not valid TOML"),
        ('includes = ["x"]', 'unknown key "includes". Did you mean "include"'),
        ('include = "x"', "include must be a list of texts"),
        ("definition = 3", "definition must be a text"),
    ],
)
def test_a_slip_is_explained(text: str, error: str, tmp_path: Path) -> None:
    write_guideline(tmp_path, MUGS, Guideline())
    guideline_file(tmp_path, MUGS).write_text(text, encoding="utf-8")
    with pytest.raises(TaxonomyError, match=error):
        read_guideline(tmp_path, MUGS)


@given(st.text(min_size=1))
def test_no_id_leads_out_of_the_folder(category_id: str) -> None:
    folder = Path("guidelines")
    file = guideline_file(folder, Category(category_id, ("X",)))
    assert file.parts[0] == "guidelines"
    assert ".." not in file.parts
    assert "\0" not in str(file)
