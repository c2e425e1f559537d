"""What is wrong with the text of a field, by rule: one function a text, no state."""

import re
import unicodedata
from collections.abc import Callable

from productnet.catalog.texts import distinct_words

# A title, or a description, of fewer letters may be a name that is written so.
_FEWEST_CAPITALS = 12
_FEWEST_BULLETS = 3

_URL = re.compile(r"(?:https?://|www\.)\S+\.\S+", re.IGNORECASE)
_HTML = re.compile(r"</?[a-z][a-z0-9]*(?:\s[^<>]*)?/?>|&(?:[a-z]{2,8}|#\d{1,6});", re.IGNORECASE)
_NOTHING = re.compile(
    r"(?:n\s?/\s?a|n\.a\.?|none|null|nan|nil|unknown|undefined|tbd|todo|test|-+|\.+|\?+|"
    r"not (?:available|applicable|specified)|lorem ipsum\b.*)",
    re.IGNORECASE | re.DOTALL,
)
_BULLET = re.compile(r"(?:^|\n)\s*(?:[•‣▪●◦·*–-]|\d{1,2}[.)])\s+\S|\s[•‣▪●]\s")
# UTF-8 that was read as Latin-1 or Windows-1252: a lead byte, and bytes that only follow one.
_MOJIBAKE = re.compile("\ufffd|[ÂÃ][\u0080-\u00bf]|â(?:€|\u0080)|ï»¿|Ã[ƒ‚]")
_LETTERS = re.compile(r"[^\W\d_]")

Rule = Callable[[str], bool]


def is_url(text: str) -> bool:
    """Whether an address of the web is in it."""
    return _URL.search(text) is not None


def is_markup(text: str) -> bool:
    """Whether HTML is left in it: tags, or entities."""
    return _HTML.search(text) is not None


def is_nothing(text: str) -> bool:
    """Whether it says in words that there is nothing: "N/A", "unknown", a dash."""
    return _NOTHING.fullmatch(text.strip()) is not None


def is_garbled(text: str) -> bool:
    """Whether it was read in the wrong encoding.

    Example:
        >>> is_garbled("CafÃ© au lait"), is_garbled("Café au lait")
        (True, False)
    """
    return _MOJIBAKE.search(text) is not None


def is_shouted(text: str) -> bool:
    """Whether every letter is a capital, and there are enough to tell."""
    if text != text.upper():
        return False
    letters = _LETTERS.findall(text)
    # Scripts without capitals shout at nobody.
    return len(letters) >= _FEWEST_CAPITALS and text != text.lower()


def is_list(text: str) -> bool:
    """Whether it is a list of bullet points."""
    return len(_BULLET.findall(text)) >= _FEWEST_BULLETS


def has_no_letter(text: str) -> bool:
    """Whether it names nothing: digits and marks only."""
    return not _LETTERS.search(text)


def is_sentence(text: str) -> bool:
    """Whether it is too long to be a name: eight words or more."""
    return len(text.split()) >= 8


def same_words(one: str, other: str) -> bool:
    """Whether two texts say the same, but for case, order and marks."""
    return distinct_words(one) == distinct_words(other)


def script(text: str) -> str | None:
    """The script most letters are of, such as "LATIN" or "CYRILLIC"; None of too few letters."""
    letters = _LETTERS.findall(text[:200])
    if len(letters) < 4:
        return None
    if text.isascii():
        return "LATIN"
    names = [unicodedata.name(letter, "?").split()[0] for letter in letters]
    return max(sorted(set(names)), key=names.count)


# In any field.
ANYWHERE: dict[str, Rule] = {
    "address in a text": is_url,
    "markup in a text": is_markup,
    "wrong encoding": is_garbled,
    "says that there is nothing": is_nothing,
}

# In the field brand beside.
OF_BRAND: dict[str, Rule] = {
    "number as a brand": has_no_letter,
    "sentence as a brand": is_sentence,
}

# In title and description beside.
OF_PROSE: dict[str, Rule] = {"all capitals": is_shouted}
