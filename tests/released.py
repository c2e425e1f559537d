"""A small shop with gold, to make releases of."""

import io
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image

from productnet.annotation.decisions import Decision, Role, Verdict
from productnet.annotation.log import DecisionLog
from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.settings import CatalogSettings, Project, ReleaseSettings, Settings
from productnet.taxonomy.tree import Category, Taxonomy

FIELDS = ("title", "brand")
PER_LEAF = 12
START = datetime(2026, 1, 1, tzinfo=UTC)

# Texts that formats have to carry whole.
AWKWARD = 'He said "mug", 3,5 l;\nsecond line\ttab — 日本 é \\ <3'


def picture(shade: int, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 6), (shade, 0, 0)).save(file, kind)
    return file.getvalue()


def decision(number: int, product: str, leaf: str, verdict: Verdict, role: Role) -> Decision:
    return Decision(
        id=uuid.UUID(int=number),
        product=product,
        category=leaf,
        verdict=verdict,
        role=role,
        annotator="ann@shop.example" if role is Role.LABEL else "bob@shop.example",
        at=START + timedelta(seconds=number),
        source="active",
        score=0.5,
        note="a handle" if number == 1 else None,
    )


def make_shop(folder: Path, *, release: ReleaseSettings | None = None) -> Project:
    """Two leaves with gold, a third without; sofas shown for chairs and rejected."""
    settings = Settings(
        name="Corner shop",
        catalog=CatalogSettings(fields=FIELDS),
        release=release or ReleaseSettings(),
    )
    project = Project.create(folder, settings)
    kitchen, home = ("Kitchen",), ("Home",)
    tree = [
        Category("kitchen", kitchen),
        Category("mugs", (*kitchen, "Mugs")),
        Category("home", home),
        Category("chairs", (*home, "Chairs")),
        Category("sofas", (*home, "Sofas | Couches")),
    ]
    Taxonomy(tree, name="corner", version="1").save(project.taxonomy_path)
    products = [
        Product(
            id=f"{leaf}-{n:02d}",
            texts={"title": f"{leaf} {n // 2} édition"} | ({} if n % 3 else {"brand": "Acme"}),
            image=picture(10 * n) if n % 4 else None,
            fingerprint=bytes(8),
        )
        for leaf in ("mugs", "chairs", "sofas")
        for n in range(PER_LEAF)
    ]
    Pool.create(project.pool_path, FIELDS).append(products_to_table(products, FIELDS))
    with DecisionLog.open(project.database_url) as log:
        number = 0
        for leaf in ("mugs", "chairs"):
            for n in range(PER_LEAF):
                for role in (Role.LABEL, Role.AUDIT):
                    number += 1
                    product = f"{leaf}-{n:02d}"
                    log.append(decision(number, product, leaf, Verdict.POSITIVE, role))
        for n in range(5):
            number += 1
            sofa = decision(number, f"sofas-{n:02d}", "chairs", Verdict.NEGATIVE, Role.LABEL)
            log.append(sofa)
    return project


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by path."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
