"""Reference labels that are damaged are reported with the command that brings them back."""

from pathlib import Path

import pytest

from productnet.catalog.side_tables import CATEGORIES_SCHEMA, merge_categories
from productnet.errors import ProjectError
from productnet.evaluation.reference import read_reference
from productnet.settings import Project, Settings
from productnet.taxonomy.tree import Category, Taxonomy


def test_a_damaged_reference_is_named(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "shop", Settings())
    project.reference_path.write_text("cut short")
    taxonomy = Taxonomy([Category("mugs", ("Mugs",))], name="shop", version="1")
    with pytest.raises(ProjectError, match="--reference COLUMN"):
        read_reference(project, taxonomy)
    with pytest.raises(ProjectError, match="Delete it and import"):
        merge_categories(project.reference_path, CATEGORIES_SCHEMA.empty_table())
