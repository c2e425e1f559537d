"""Google Merchant feeds as RSS or Atom, parsed as they stream and never expanding an entity."""

import codecs
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from productnet.catalog.readers.merchant_tsv import merchant_name
from productnet.catalog.readers.rows import Fault, FaultKind, RawRow
from productnet.catalog.readers.text import LONGEST_LINE, open_feed_file
from productnet.errors import FeedError

_ITEMS = frozenset({"item", "entry"})
_CHUNK = 64 * 2**10
_ENCODING = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._-]+)""")
_UTF8 = frozenset({b"utf-8", b"utf8", b"us-ascii"})
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_REPLACEMENT = "\ufffd"


def read_merchant_xml(path: Path) -> Iterator[RawRow]:
    """The items of a feed; memory is one item and one chunk of the file.

    An element that repeats becomes a list, one with children a dict. Text that is not UTF-8 costs
    its item only. XML that is not well-formed cannot be read past that point: the last row says
    where. Raises FeedError for a feed that declares entities (they serve to blow up a parser).
    """
    items = _Items(path.name)
    parser = XMLParser(target=items)
    items.position = lambda: parser.parser.CurrentLineNumber
    with open_feed_file(path) as file:
        try:
            for piece, damaged in _pieces(file):
                items.damaged = damaged
                parser.feed(piece)
                yield from items.finished()
            parser.close()
        except DefusedXmlException as error:
            raise FeedError(
                f"{path} is refused: it declares entities ({type(error).__name__}), which product "
                "feeds have no use for. Remove its DOCTYPE."
            ) from error
        except (ParseError, EOFError, OSError, ValueError, LookupError) as error:
            yield from items.finished()
            reason = f"The XML breaks off here: {error}. The items after it were not read."
            yield RawRow(path.name, items.position(), error=Fault(FaultKind.UNREADABLE, reason))


class _Items:
    """The parser's target: collects each item and forgets it once it is handed on."""

    def __init__(self, file: str) -> None:
        self.damaged = False
        self.position: Callable[[], int] = lambda: 1
        self._file = file
        self._done: list[RawRow] = []
        self._line: int | None = None  # where the open item starts
        self._open: list[tuple[str, dict[str, object], list[str]]] = []  # name, children, text
        self._size = 0
        self._fault: Fault | None = None

    def finished(self) -> list[RawRow]:
        done, self._done = self._done, []
        return done

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = merchant_name(tag.rpartition("}")[2])
        if self._line is None:
            if name not in _ITEMS:
                return
            self._line, self._size, self._fault = self.position(), 0, None
        self._open.append((name, {}, []))

    def data(self, text: str) -> None:
        if self._line is None:
            return
        self._size += len(text)
        if self._size > LONGEST_LINE:
            reason = f"The item holds more than {LONGEST_LINE:,} characters."
            self._fault = Fault(FaultKind.TOO_LONG, reason)
        elif self.damaged and _REPLACEMENT in text:
            reason = f"Line {self.position()} holds bytes that are no text in the feed's encoding."
            self._fault = Fault(FaultKind.UNDECODABLE_TEXT, reason)
        else:
            self._open[-1][2].append(text)

    def end(self, tag: str) -> None:
        if self._line is None:
            return
        name, children, texts = self._open.pop()
        if self._open:
            value = children or "".join(texts).strip()
            _put(self._open[-1][1], *_detail(name, value))
        else:
            values = {} if self._fault else children
            self._done.append(RawRow(self._file, self._line, values, self._fault))
            self._line = None

    def close(self) -> None:
        """The parser asks for this; rows are handed on by ``finished``."""


def _detail(name: str, value: object) -> tuple[str, object]:
    """``product_detail``, which names its own attribute, as that attribute and its value."""
    if isinstance(value, dict) and "attribute_name" in value:
        return name, {str(value["attribute_name"]): value.get("attribute_value")}
    return name, value


def _put(values: dict[str, object], name: str, value: object) -> None:
    if name not in values:
        values[name] = value
        return
    before = values[name]
    if isinstance(before, list):
        before.append(value)
    elif isinstance(before, dict) and isinstance(value, dict) and not before.keys() & value.keys():
        before.update(value)
    else:
        values[name] = [before, value]


def _pieces(file: BinaryIO) -> Iterator[tuple[str | bytes, bool]]:
    """The file in pieces, and whether a piece holds what is not text.

    Bytes that are not UTF-8 and control characters, which XML forbids, become U+FFFD, so that one
    bad item does not end the feed. Another declared encoding is left to the parser.
    """
    chunk = file.read(_CHUNK)
    declared = _ENCODING.search(chunk[:200])
    if not chunk.startswith(_UTF16) and (declared is None or declared[1].lower() in _UTF8):
        yield from _decoded_pieces(chunk, file)
        return
    while chunk:
        yield chunk, False
        chunk = file.read(_CHUNK)


def _decoded_pieces(carry: bytes, file: BinaryIO) -> Iterator[tuple[str, bool]]:
    while chunk := file.read(_CHUNK):
        cut = carry.rfind(b">") + 1  # the end of a tag is never within a character
        yield _decoded(carry[:cut])
        carry = carry[cut:] + chunk
        if len(carry) > LONGEST_LINE:
            raise ValueError(f"no tag within {LONGEST_LINE:,} bytes")
    yield _decoded(carry)


def _decoded(raw: bytes) -> tuple[str, bool]:
    try:
        text, damaged = raw.decode("utf-8"), False
    except UnicodeDecodeError:
        text, damaged = raw.decode("utf-8", "replace"), True
    clean, replaced = _CONTROL.subn(_REPLACEMENT, text)
    return clean, damaged or replaced > 0
