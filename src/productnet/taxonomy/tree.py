"""The category tree: look-up, leaves, and the frozen copy a project keeps.

A taxonomy never changes once made. Its hash covers ids and paths, so whatever was built for one
tree (decisions, embeddings, models) can tell whether it still stands before the same one.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from productnet.errors import TaxonomyError, UnknownCategory, UsageError, did_you_mean
from productnet.files import write_atomically
from productnet.taxonomy.paths import join_path, path_key, split_path

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Category:
    """One node of the tree: its id and the names from the root down to it."""

    id: str
    path: tuple[str, ...]

    @property
    def name(self) -> str:
        """The last name of the path."""
        return self.path[-1]

    @property
    def label(self) -> str:
        """The path as people read it: ``A > B > C``."""
        return join_path(self.path)


class Taxonomy:
    """A checked, immutable tree of categories; people label its leaves.

    Args:
        categories: Every node, ancestors included, in the order people should see them.
        name: What the taxonomy is called, such as "google".
        version: Its publisher's version; the first digits of the hash when None.
        lines: Where each category was read from, for the errors of a reader.

    Raises:
        TaxonomyError: There are no categories, two share an id or a path, or a parent is missing.
    """

    def __init__(
        self,
        categories: Iterable[Category],
        *,
        name: str,
        version: str | None = None,
        lines: Sequence[int] = (),
    ) -> None:
        self._categories = tuple(categories)
        self._by_id, self._by_path = _checked(self._categories, lines)
        self._children: dict[str, list[Category]] = {node.id: [] for node in self._categories}
        self._named: dict[str, list[Category]] = {}
        for node in self._categories:
            self._named.setdefault(path_key((node.name,))[0], []).append(node)
            if (above := self.parent(node.id)) is not None:
                self._children[above.id].append(node)
        self.hash = _hash(self._categories)
        self.name = name
        self.version = version or self.hash[:8]
        self.roots = tuple(node for node in self._categories if len(node.path) == 1)
        self.leaves = tuple(node for node in self._categories if self.is_leaf(node.id))

    def __str__(self) -> str:
        return f"{self.name}-{self.version}"

    def __repr__(self) -> str:
        return f"<Taxonomy {self}: {len(self)} categories, {len(self.leaves)} leaves>"

    def __len__(self) -> int:
        return len(self._categories)

    def __iter__(self) -> Iterator[Category]:
        return iter(self._categories)

    def __contains__(self, category_id: object) -> bool:
        return category_id in self._by_id

    def __getitem__(self, category_id: str) -> Category:
        """The category of this id; raises UnknownCategory naming the nearest ids."""
        if category_id not in self._by_id:
            raise self._unknown(category_id, self._by_id)
        return self._by_id[category_id]

    def name_of(self, category_id: str) -> str:
        """The category's name; the id itself where another taxonomy had it and this one has not."""
        known = self._by_id.get(category_id)
        return category_id if known is None else known.name

    def is_leaf(self, category_id: str) -> bool:
        """Whether nothing lies below; only then do people label it."""
        return not self._children[self[category_id].id]

    def parent(self, category_id: str) -> Category | None:
        """The category above, or None of a root."""
        above = path_key(self[category_id].path[:-1])
        return self._by_path[above] if above else None

    def children(self, category_id: str) -> tuple[Category, ...]:
        """The categories right below."""
        return tuple(self._children[self[category_id].id])

    def siblings(self, category_id: str) -> tuple[Category, ...]:
        """The other categories under the same parent; of a root, the other roots."""
        above = self.parent(category_id)
        around = self.roots if above is None else self.children(above.id)
        return tuple(node for node in around if node.id != category_id)

    def find(self, text: str) -> Category:
        """The category this text means: an id, a whole path, or a name that only one bears.

        A leaf goes before an inner category of the same name; case and punctuation of paths and
        names do not matter. Raises UnknownCategory with the nearest, or with all it could mean.
        """
        if found := self._exact(text):
            return found
        names = split_path(text)
        if len(names) != 1:
            raise self._unknown(text, (node.label for node in self._categories))
        named = self._named.get(path_key(names)[0], [])
        meant = [node for node in named if self.is_leaf(node.id)] or named
        if len(meant) > 1:
            could_be = ", ".join(f'"{node.label}"' for node in meant[:5])
            raise UnknownCategory(
                f'"{text}" names {len(meant)} categories of taxonomy {self}, such as {could_be}. '
                "Give the id or the whole path."
            )
        if not meant:
            known = self._by_id if "/" in text else {node.name: None for node in self._categories}
            raise self._unknown(text, known)
        return meant[0]

    def find_leaf(self, text: str) -> Category:
        """As ``find``, for a leaf; raises UsageError where the text means an inner category."""
        found = self.find(text)
        if not self.is_leaf(found.id):
            raise UsageError(
                f'"{found.label}" is not a leaf, and people label leaves only. Name one below it, '
                f'such as "{self.children(found.id)[0].label}".'
            )
        return found

    def leaf_of(self, text: str) -> Category | None:
        """The leaf that a feed's own category text belongs to, or None.

        The text may be an id, the path of a leaf, a path that goes on below a leaf, or the bare
        name of exactly one leaf. A path that stops above the leaves says too little: None.
        """
        if found := self._exact(text):
            return found if self.is_leaf(found.id) else None
        names = split_path(text)
        key = path_key(names)
        for length in range(len(key) - 1, 0, -1):
            node = self._by_path.get(key[:length])
            if node is not None and self.is_leaf(node.id):
                return node
        if len(key) == 1:
            leaves = [node for node in self._named.get(key[0], []) if self.is_leaf(node.id)]
            return leaves[0] if len(leaves) == 1 else None
        return None

    def save(self, path: Path) -> None:
        """Write the tree as JSON, one category a line, replacing the file whole."""
        head = {"format_version": FORMAT_VERSION, "name": self.name, "version": self.version}
        lines = [
            json.dumps({"id": node.id, "path": node.path}, ensure_ascii=False)
            for node in self._categories
        ]
        facts = json.dumps({**head, "hash": self.hash}, ensure_ascii=False, indent=1)
        body = ",\n  ".join(lines)
        write_atomically(path, f'{facts[:-2]},\n "categories": [\n  {body}\n ]\n}}\n')

    @classmethod
    def load_if_any(cls, path: Path) -> "Taxonomy | None":
        """As ``load``, but None where a project has no taxonomy yet."""
        return cls.load(path) if path.exists() else None

    @classmethod
    def load(cls, path: Path) -> "Taxonomy":
        """Read a saved tree; raises TaxonomyError if it is missing, damaged or was edited."""
        if not path.is_file():
            raise TaxonomyError(
                f"{path} does not exist: the project has no taxonomy yet. "
                "Give it one with `productnet taxonomy`."
            )
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            if saved["format_version"] != FORMAT_VERSION:
                raise TaxonomyError(
                    f"{path} has taxonomy format {saved['format_version']}; this version of "
                    f"ProductNet reads format {FORMAT_VERSION}."
                )
            nodes = [Category(str(node["id"]), tuple(node["path"])) for node in saved["categories"]]
            tree = cls(nodes, name=saved["name"], version=saved["version"])
            same = tree.hash == saved["hash"]
        except (ValueError, KeyError, TypeError) as error:
            raise TaxonomyError(
                f"{path} is damaged ({error!r}). Make it again from its source."
            ) from error
        if not same:
            raise TaxonomyError(
                f"{path} was changed after it was frozen: its content no longer has the hash it "
                "carries. Change the source file instead and make the taxonomy again from it."
            )
        return tree

    def _exact(self, text: str) -> Category | None:
        """The category of this id or whole path, if any; Shopify's ids may come as their URI."""
        category_id = text.rpartition("/")[2] if text.startswith("gid://") else text.strip()
        return self._by_id.get(category_id) or self._by_path.get(path_key(split_path(text)))

    def _unknown(self, text: str, known: Iterable[str]) -> UnknownCategory:
        hint = did_you_mean(text, known)
        return UnknownCategory(f'Category "{text}" is not in taxonomy {self}. {hint}'.rstrip())


def _checked(
    categories: Sequence[Category], lines: Sequence[int]
) -> tuple[dict[str, Category], dict[tuple[str, ...], Category]]:
    """The categories by id and by path key, once it is sure that they make a tree."""
    if not categories:
        raise TaxonomyError("there are no categories in it.")
    by_id: dict[str, Category] = {}
    by_path: dict[tuple[str, ...], Category] = {}
    first: dict[Category, int] = {}
    for row, node in enumerate(categories):
        here = f"line {lines[row]}: " if lines else ""
        if not node.id or not node.path or not all(node.path):
            raise TaxonomyError(f"{here}{_described(node)} needs an id and names along its path.")
        twin = by_id.get(node.id) or by_path.get(path_key(node.path))
        if twin is not None:
            there = f" (line {lines[first[twin]]})" if lines else ""
            raise TaxonomyError(
                f"{here}{_described(node)} repeats {_described(twin)}{there}. "
                "Ids and paths must differ in more than case and punctuation; remove one."
            )
        first[node] = row
        by_id[node.id] = by_path[path_key(node.path)] = node
    for row, node in enumerate(categories):
        above = node.path[:-1]
        if above and path_key(above) not in by_path:
            here = f"line {lines[row]}: " if lines else ""
            level = (other.label for other in categories if len(other.path) == len(above))
            hint = did_you_mean(join_path(above), level)
            raise TaxonomyError(
                f'{here}{_described(node)} is an orphan: "{join_path(above)}" is not in the '
                f"taxonomy. {hint}".rstrip()
            )
    return by_id, by_path


def _described(node: Category) -> str:
    return f'"{node.label}" (id {node.id})'


def _hash(categories: Iterable[Category]) -> str:
    """SHA-256 over ids and paths in order of id: neither file order nor name matter."""
    rows = sorted((node.id, node.path) for node in categories)
    canonical = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
