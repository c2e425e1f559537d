"""Cells made into text: lists joined, attributes flattened, markup taken off; a text's words."""

import html
import json
import math
import re
import unicodedata
from html.parser import HTMLParser

# Only markup that shops write is taken off: "5 < 6" and "<3 mm" are text.
_TAGS = (
    "a|abbr|b|big|blockquote|br|center|code|dd|div|dl|dt|em|font|footer|h[1-6]|header|hr|i|iframe|"
    "img|li|link|meta|ol|p|pre|s|script|section|small|span|strike|strong|style|sub|sup|table|"
    "tbody|td|tfoot|th|thead|tr|tt|u|ul"
)
_MARKUP = re.compile(rf"</?(?:{_TAGS})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,6}|#[xX][0-9a-fA-F]{1,5});")
_INLINE = frozenset({"a", "abbr", "b", "em", "font", "i", "small", "span", "strong", "sub", "sup"})
_INLINE |= {"big", "code", "s", "strike", "tt", "u"}
_UNSEEN = frozenset({"script", "style"})
_BLANKS = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\s*\n\s*")
_WORD = re.compile(r"\d+|[^\W\d_]+")


def prose(value: object) -> str | None:
    """A cell as running text; the items of a list become lines. None when nothing is in it."""
    return _text(_parsed(value, "["), separator="\n")


def keywords(value: object) -> str | None:
    """A cell as keywords: ``{"Material": "Cotton", "Colour": "Red"}`` is
    ``Material Cotton; Colour Red``, a list is joined the same way. None when nothing is in it.
    """
    return _text(_parsed(value, "[{"), separator="; ")


def plain(value: object) -> str | None:
    """A cell as it stands, for ids and categories: 15970.0 is "15970", a list is "A > B"."""
    return _text(value, separator=" > ", markup=False)


def without_markup(text: str) -> str:
    """The text a browser would show of HTML, block elements on lines of their own."""
    if _MARKUP.search(text):
        parser = _Markup()
        parser.feed(text)
        parser.close()
        lines = _BLANKS.sub(" ", "".join(parser.pieces))
        return _BLANK_LINES.sub("\n", lines).strip()
    return html.unescape(text).strip() if _ENTITY.search(text) else text


def distinct_words(text: str) -> list[str]:
    """The distinct words and numbers of a text, sorted: equal but for case, order and marks.

    Example:
        >>> distinct_words("Mug, BLUE 350ml") == distinct_words("blue mug (350 ml)")
        True
    """
    return sorted(set(_WORD.findall(unicodedata.normalize("NFKC", text).casefold())))


def _text(value: object, *, separator: str, markup: bool = True) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        text = value.strip()
        return (without_markup(text) if markup else text) or None
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, bytes):
        return _text(value.decode("utf-8"), separator=separator, markup=markup)
    if isinstance(value, dict):
        pairs = ((name, _text(inner, separator=", ")) for name, inner in value.items())
        return separator.join(f"{name} {text}" for name, text in pairs if text) or None
    if isinstance(value, list | tuple):
        texts = (_text(item, separator=", ", markup=markup) for item in value)
        return separator.join(text for text in texts if text) or None
    return str(value)


def _parsed(value: object, openings: str) -> object:
    """The JSON in a text that starts as JSON does, or the value itself."""
    if not isinstance(value, str) or value.lstrip()[:1] not in tuple(openings):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


class _Markup(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in _UNSEEN
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data.replace("\n", " "))

    def _break(self, tag: str) -> None:
        if tag not in _INLINE:
            self.pieces.append("\n")
