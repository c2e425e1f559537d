"""Passwords: which are let in, and the argon2id hash that is kept of them."""

import unicodedata
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from productnet.errors import PeopleError
from productnet.people.tokens import new_token

# Hashing costs time by the byte; more than this is no password.
LONGEST = 1024

# Of the lists of leaked passwords, those long enough to be let in otherwise.
_FIRST_TRIED = """
    1234567890 0123456789 0987654321 12345678910 123456789a 1q2w3e4r5t 1qaz2wsx3edc a123456789
    abcdefghij abcd123456 adminadmin administrator changemenow changeme123 iloveyou12 iloveyou123
    letmein123 passw0rd123 password01 password12 password123 password1234 passwordpassword
    princess123 productnet qwerty12345 qwerty123456 qwertyuiop qwertyuiop123 q1w2e3r4t5
    q1w2e3r4t5y6 sunshine123 welcome123 zaq12wsxcde
"""
_COMMON = frozenset(_FIRST_TRIED.split())

# argon2-cffi's defaults: argon2id as RFC 9106 recommends where memory is short, 64 MiB a hash.
_hasher = PasswordHasher()

# Hashes at one time in this process, which bounds the memory that signing in can claim.
_at_once = BoundedSemaphore(2)

# The hash of nobody's password, checked where a name is unknown, so that both take as long.
_NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=4$INuHM8uqqXYbDesDa+e8AQ"
    "$B1UzMYV7auvoZVCuoswcDtK+zdb59Xjyxn0c+gbO3z4"
)


def check_password(password: str, *, name: str, min_length: int) -> None:
    """Refuse a password that is easily guessed; raises PeopleError saying why."""
    if len(password) > LONGEST:
        raise PeopleError(
            f"The password has {len(password):,} characters. Use at most {LONGEST:,}."
        )
    if any("\ud800" <= char <= "\udfff" for char in password):
        raise PeopleError("The password holds half a character. Type it again.")
    plain = _composed(password)
    if len(plain) < min_length:
        raise PeopleError(
            f"The password has {len(plain)} characters. Use at least {min_length}; a few words "
            "that do not belong together are easy to remember."
        )
    lowered = plain.casefold()
    rest = lowered.replace(name.casefold(), "")
    if rest != lowered and rest.strip("0123456789._-! ") == "":
        raise PeopleError("The password is hardly more than the name. Choose another.")
    if lowered in _COMMON or len(set(lowered)) <= 2:
        raise PeopleError("The password is among the first that anyone would try. Choose another.")


def generated_password() -> str:
    """A password nobody guesses (119 bits), for an admin to pass on."""
    return new_token(20)


def hashed(password: str) -> str:
    """The argon2id hash, with its salt and parameters."""
    with _at_once:
        return _hasher.hash(_composed(password))


def fits(password: str, password_hash: str | None) -> bool:
    """Whether the hash is of this password; takes as long where there is no hash."""
    # What no hash can be of takes its time too.
    usable = len(password) <= LONGEST and not any("\ud800" <= char <= "\udfff" for char in password)
    tried = _composed(password) if usable else ""
    try:
        with _at_once:
            fitting = _hasher.verify(password_hash or _NOBODY, tried)
    except (VerificationError, InvalidHashError):
        return False
    return fitting and usable and password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Whether it was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def _composed(password: str) -> str:
    # Keyboards differ in how they compose a letter; RFC 8265 has the composed form hashed.
    return unicodedata.normalize("NFC", password)
