"""The shop that is served: generated products, texts only, and a leaf for every annotator."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq
from typer.testing import CliRunner

from productnet.catalog.store.files import write_store
from productnet.cli.main import app
from productnet.settings import Project, settings_from_toml, settings_to_toml

# The store draws 43 leaves; each is served as so many, a share of its products in each.
PARTS = 3


def make_shop(folder: Path, *, products: int, parts: int = PARTS) -> Path:
    """A project of so many products, imported and embedded; made once."""
    shop = folder / (f"shop-{products}" if parts == PARTS else f"shop-{products}-{parts}")
    if (shop / "active.json").exists():
        return shop
    shutil.rmtree(shop, ignore_errors=True)
    files = write_store(folder / f"feed-{products}", size=products, images=False)
    paths = [line for line in files.taxonomy.read_text().splitlines() if line.strip()]
    leaves = [path for path in paths if not any(other.startswith(f"{path} > ") for other in paths)]
    parted = [f"{path} > Part {part}" for path in leaves for part in range(parts)]
    taxonomy = folder / f"taxonomy-{products}.txt"
    taxonomy.write_text("\n".join([*paths, *parted]) + "\n")
    _run("init", str(shop), "--taxonomy", str(taxonomy))
    settings = shop / Project.SETTINGS_FILE
    read = settings_from_toml(settings.read_text(), source=str(settings))
    encoders = read.encoders.model_copy(update={"text": "static"})
    settings.write_text(settings_to_toml(read.model_copy(update={"encoders": encoders})))
    _run("import", str(files.feed), "--project", str(shop))
    shutil.copy(files.reference, Project.open(shop).reference_path)
    _run("embed", "--project", str(shop))
    return shop


def belonging(shop: Path, *, parts: int = PARTS) -> dict[str, str]:
    """Product to the path of the leaf that it belongs to; distractors are absent."""
    rows = pq.read_table(Project.open(shop).reference_path).to_pylist()
    return {
        row["id"]: f"{row['category']} > Part {sum(row['id'].encode()) % parts}"
        for row in rows
        if row["category"]
    }


def _run(*arguments: str) -> None:
    CliRunner().invoke(app, list(arguments), catch_exceptions=False)
