"""What belongs in a category: a small text file each, which people edit.

The file of category ``kitchen/drinkware/mugs`` is ``kitchen/drinkware/mugs.toml`` in the project's
guideline folder.
"""

import json
import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from productnet.errors import TaxonomyError, did_you_mean
from productnet.files import write_atomically
from productnet.taxonomy.tree import Category

_NOT_IN_FILE_NAMES = re.compile(r'[<>:"\\|?*%\x00-\x1f]')


@dataclass(frozen=True, slots=True)
class Guideline:
    """How people decide whether a product is of a category.

    Attributes:
        definition: One or two sentences on what the product is for.
        include: Kinds of products that belong, also when one might doubt it.
        exclude: Kinds that do not, and where they go.
        examples: Titles of typical products.
    """

    definition: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


def guideline_file(folder: Path, category: Category) -> Path:
    """Where the guideline of a category is kept; always inside the folder."""
    parts = [_file_name(part) for part in category.id.split("/")]
    return folder.joinpath(*parts[:-1], f"{parts[-1]}.toml")


def read_guideline(folder: Path, category: Category) -> Guideline:
    """The guideline of a category; an empty one if nobody has written it.

    Raises TaxonomyError if the file is not as it should be.
    """
    file = guideline_file(folder, category)
    if not file.is_file():
        return Guideline()
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TaxonomyError(f"{file} is not valid TOML: {error}") from error
    keys = [each.name for each in fields(Guideline)]
    for key in raw:
        if key not in keys:
            raise TaxonomyError(f'{file} has an unknown key "{key}". {did_you_mean(key, keys)}')
    definition = raw.pop("definition", "")
    if not isinstance(definition, str):
        raise TaxonomyError(f'{file}: definition must be a text, such as "Cups with a handle."')
    return Guideline(definition, **{key: _texts(value, key, file) for key, value in raw.items()})


def write_guideline(folder: Path, category: Category, guideline: Guideline) -> None:
    """Write the guideline of a category, replacing what was there."""
    file = guideline_file(folder, category)
    lines = [f"# {category.label}", f"definition = {_toml(guideline.definition)}"]
    for key in ("include", "exclude", "examples"):
        items: tuple[str, ...] = getattr(guideline, key)
        inner = "".join(f"  {_toml(item)},\n" for item in items)
        lines.append(f"{key} = [\n{inner}]" if items else f"{key} = []")
    write_atomically(file, "\n".join(lines) + "\n")


def _file_name(part: str) -> str:
    """A part of an id that no file system takes for a path, a parent folder or a device."""
    safe = _NOT_IN_FILE_NAMES.sub(lambda match: f"%{ord(match[0]):02X}", part)
    return safe.replace(".", "%2E") if not safe.strip(".") else safe


def _texts(value: object, key: str, file: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TaxonomyError(f'{file}: {key} must be a list of texts, such as ["Travel mugs"].')
    return tuple(value)


def _toml(text: str) -> str:
    # JSON strings are TOML basic strings, but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
