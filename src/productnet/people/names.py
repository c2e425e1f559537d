"""Names of people: what a decision is signed with, so no two of them may look alike.

Names are lower case; the display name is free. Look-alikes follow the idea of Unicode Technical
Standard 39 (skeletons, one script a name), for the letters that people and attackers type.
"""

import re
import unicodedata

from productnet.errors import PeopleError

NAME_LENGTH = 64
DISPLAY_NAME_LENGTH = 100

# Characters of a name as typed, of which composing makes fewer.
_LONGEST_TYPED = 4 * NAME_LENGTH

# Who else signs decisions, or would be taken for a part of the product.
RESERVED = frozenset(
    ("imported", "local-model", "master", "system", "labeler", "auditor", "adjudicator")
)

# Scripts that are written together in one word; any other name keeps to one script.
_TOGETHER = frozenset(("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"))

# Letters that nobody sees.
_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0")

# Letters that are marks of repetition and length in Chinese and Japanese.
_REPEATING = frozenset("々ー")

_LOOK_LIKE = str.maketrans(
    "аеорсухіјѕһԁԛԝӏкοανρυικγχηոօսհցյıɑɡǀ01",
    "aeopcyxijshdqwlkoavpuikyxnnouhgjiaglol",
)

# Texts that would change the direction or the look of what stands beside them.
_UNFIT = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def name_from(typed: str) -> str:
    """The name that was typed, as it is kept: composed, lower case.

    Raises:
        PeopleError: It is too long, holds something else than letters, digits, dots, hyphens and
            underscores, mixes scripts, or is reserved.
    """
    shown = repr(typed[:NAME_LENGTH])
    # Composing a text takes long, and some letters become many.
    name = _kept(typed) if len(typed) <= _LONGEST_TYPED else typed
    if not 1 <= len(name) <= NAME_LENGTH:
        raise PeopleError(
            f"The name {shown} has {len(name)} characters. A name has 1 to {NAME_LENGTH}."
        )
    if not (_is_letter(name[0]) or name[0] in "0123456789"):
        raise PeopleError(f"The name {shown} must begin with a letter or a digit.")
    wrong = [char for char in name if not (_is_letter(char) or char in "0123456789._-")]
    if wrong:
        raise PeopleError(
            f"The name {shown} holds {wrong[0]!r} (U+{ord(wrong[0]):04X}). Use letters, digits, "
            "dots, hyphens and underscores; the display name may be anything."
        )
    scripts = {_script(char) for char in name if _is_letter(char)}
    if len(scripts) > 1 and not scripts <= _TOGETHER:
        mixed = " and ".join(sorted(script.title() for script in scripts))
        raise PeopleError(
            f"The name {shown} mixes {mixed} letters, which may look like another name. Use "
            "letters of one script."
        )
    if skeleton(name) in {skeleton(reserved) for reserved in RESERVED}:
        raise PeopleError(
            f"The name {shown} is, or looks like, one that ProductNet signs with. Choose another."
        )
    return name


def is_name(typed: str, name: str) -> bool:
    """Whether what was typed means this name."""
    return len(typed) <= _LONGEST_TYPED and _kept(typed) == name


def skeleton(typed: str) -> str:
    """What a name looks like; equal for names that could be taken for one another."""
    folded = _kept(typed[:_LONGEST_TYPED]).casefold()
    return unicodedata.normalize("NFKC", folded).translate(_LOOK_LIKE)


def display_name_from(typed: str) -> str:
    """A display name as it is kept; raises PeopleError if it is empty, too long or unprintable."""
    shown = unicodedata.normalize("NFC", typed[: DISPLAY_NAME_LENGTH * 4]).strip()
    if not 1 <= len(shown) <= DISPLAY_NAME_LENGTH or _UNFIT.search(shown):
        raise PeopleError(
            f"The display name {typed[:DISPLAY_NAME_LENGTH]!r} cannot be shown. Use 1 to "
            f"{DISPLAY_NAME_LENGTH} characters, without control or direction marks."
        )
    return shown


def _kept(typed: str) -> str:
    return unicodedata.normalize("NFKC", typed).lower()


def _is_letter(char: str) -> bool:
    if char in _REPEATING:
        return True
    return unicodedata.category(char) in ("Ll", "Lo") and char not in _INVISIBLE


def _script(char: str) -> str:
    """The first word of a letter's Unicode name, which is its script for all we let in."""
    return "CJK" if char in _REPEATING else re.split("[ -]", unicodedata.name(char, "?"))[0]
