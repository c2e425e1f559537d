"""What belongs in a category: a small text file each, which people edit.

The file of category ``kitchen/drinkware/mugs`` is ``kitchen/drinkware/mugs.toml`` in the project's
guideline folder.
"""

import json
import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from threading import Lock

from productnet.errors import GuidelineChanged, TaxonomyError, did_you_mean
from productnet.files import alone, file_hash, write_atomically
from productnet.taxonomy.tree import Category

# Threads of one process wait for one another; other processes are told that it is busy.
_turn = Lock()

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


def guideline_version(folder: Path, category: Category) -> str:
    """Tells what is written of a category from everything else that ever was, valid or not."""
    file = guideline_file(folder, category)
    return file_hash(file)[:16] if file.is_file() else "none"


def rewrite_guideline(
    folder: Path, category: Category, guideline: Guideline, *, version: str
) -> None:
    """Write the guideline of a category, unless somebody has written it since it was read.

    Args:
        folder: The project's guideline folder.
        category: The category.
        guideline: What it shall be.
        version: The version of what was read.

    Raises:
        GuidelineChanged: What is written there is of another version by now.
        TaxonomyError: Another process writes a guideline at this very moment.
    """
    busy = "A guideline is being written by somebody else at this moment. Try again."
    folder.mkdir(parents=True, exist_ok=True)
    with _turn, alone(folder / ".lock", busy=busy):
        if guideline_version(folder, category) != version:
            raise GuidelineChanged(
                f'The guideline of "{category.id}" was changed by somebody else since you read it '
                f'(you read version "{version}"). Read it again, and put yours into theirs.'
            )
        write_guideline(folder, category, guideline)


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
