import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.errors import ProjectError, SettingsError
from productnet.settings import (
    CatalogSettings,
    EncoderSettings,
    Project,
    Settings,
    described_settings,
    settings_from_toml,
    settings_to_toml,
)


def test_every_setting_explains_itself_in_the_file() -> None:
    text = settings_to_toml(Settings())
    for key, help_text in described_settings():
        assert help_text, key
        assert f"# {help_text}\n" in text


WORDS = st.text(st.characters(codec="utf-8"), min_size=1)


@given(
    name=WORDS,
    seed=st.integers(-(2**31), 2**31),
    mapping=st.dictionaries(WORDS, WORDS, max_size=3),
    fields=st.lists(WORDS, max_size=4).map(tuple),
)
def test_settings_survive_the_file(
    name: str, seed: int, mapping: dict[str, str], fields: tuple[str, ...]
) -> None:
    settings = Settings(
        name=name, seed=seed, catalog=CatalogSettings(mapping=mapping, fields=fields)
    )
    assert settings_from_toml(settings_to_toml(settings), source="test") == settings


def test_the_file_can_be_edited(tmp_path: Path) -> None:
    project = Project.create(tmp_path, Settings())
    file = tmp_path / Project.SETTINGS_FILE
    file.write_text(file.read_text().replace('text = "minilm"', 'text = "static"'))
    assert Project.open(tmp_path).settings.encoders == EncoderSettings(text="static")
    assert tomllib.loads(file.read_text())["encoders"]["text"] == "static"
    assert project.settings.encoders.text == "minilm"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeed = 1", 'there is no setting "seeed". Did you mean "seed"'),
        ("[encoders]\nimag = 'x'", 'there is no setting "encoders.imag". Did you mean'),
        ("[targets]\npositives = 0", "setting targets.positives is 0: input should be greater"),
        ("[targets]\npositives = 'many'", "setting targets.positives is 'many'"),
        ("seed = ", "is not valid TOML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / Project.SETTINGS_FILE).write_text(text)
    with pytest.raises(SettingsError, match=message):
        Project.open(tmp_path)


def test_a_folder_that_is_no_project_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="is not a ProductNet project.*productnet init"):
        Project.open(tmp_path)


def test_a_project_is_never_made_over_another(tmp_path: Path) -> None:
    Project.create(tmp_path, Settings())
    with pytest.raises(ProjectError, match="is a ProductNet project already"):
        Project.create(tmp_path, Settings())


def test_a_project_of_a_later_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / Project.SETTINGS_FILE).write_text("format_version = 99")
    with pytest.raises(ProjectError, match="has project format 99"):
        Project.open(tmp_path)
