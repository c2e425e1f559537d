"""Secrets that are handed out once: 256 random bits, of which only the SHA-256 is kept.

A slow hash is for what people choose; nobody guesses 256 bits, however fast the hash.
"""

import hmac
import secrets
import string
from hashlib import sha256

_ALPHABET = string.ascii_letters + string.digits

# 43 letters and digits are 256 bits; a double click selects them all.
TOKEN_LENGTH = 43


def new_token(length: int = TOKEN_LENGTH) -> str:
    """A token that nobody can guess, of letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def digest(token: str) -> str:
    """What is kept of a token: its SHA-256 in hexadecimal."""
    # Half characters arrive from clients too; they are nobody's token.
    return sha256(token.encode(errors="surrogatepass")).hexdigest()


def derived(token: str, purpose: str) -> str:
    """Another secret that follows from a token and does not give it away."""
    key = token.encode(errors="surrogatepass")
    return hmac.new(key, purpose.encode(), sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(
        one.encode(errors="surrogatepass"), other.encode(errors="surrogatepass")
    )
