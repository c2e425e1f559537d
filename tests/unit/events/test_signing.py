"""Signatures are those of the Standard Webhooks scheme, and the docs' own check knows them."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from productnet.errors import WebhookError
from productnet.events.signing import new_secret, signed_headers, verify

# The example that libraries of the scheme are tested with.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE, TIMESTAMP = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def signed(secret: str = SECRET, *, timestamp: int = TIMESTAMP) -> dict[str, str]:
    return signed_headers(secret, message=MESSAGE, timestamp=timestamp, body=BODY)


def test_the_signature_is_the_schemes() -> None:
    assert signed()["webhook-signature"] == SIGNATURE
    verify(SECRET, signed(), BODY, now=TIMESTAMP + 10)


def test_names_of_headers_come_in_any_case_and_one_of_several_signatures_is_enough() -> None:
    headers = {name.title(): value for name, value in signed().items()}
    headers["Webhook-Signature"] = f"v1,bm9uZQ== {SIGNATURE}"
    verify(SECRET, headers, BODY, now=TIMESTAMP)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"webhook-id": "msg_other"}, "No signature"),
        ({"webhook-timestamp": str(TIMESTAMP + 1)}, "No signature"),
        ({"webhook-timestamp": "soon"}, "lacks a header or has a bad one"),
        ({"webhook-signature": "v1,"}, "No signature"),
        ({"webhook-signature": ""}, "No signature"),
        ({"webhook-signature": "v1a," + SIGNATURE[3:]}, "No signature"),
    ],
)
def test_what_was_changed_is_refused(change: dict[str, str], message: str) -> None:
    with pytest.raises(WebhookError, match=message):
        verify(SECRET, signed() | change, BODY, now=TIMESTAMP)


@pytest.mark.parametrize("off", [-301, 301])
def test_what_was_sent_long_ago_or_is_yet_to_come_is_refused(off: int) -> None:
    with pytest.raises(WebhookError, match="too long ago or ahead of time"):
        verify(SECRET, signed(), BODY, now=TIMESTAMP + off)


def test_a_header_that_is_missing_and_a_secret_that_is_none_are_told() -> None:
    headers = signed()
    del headers["webhook-id"]
    with pytest.raises(WebhookError, match="lacks a header"):
        verify(SECRET, headers, BODY)
    with pytest.raises(WebhookError, match="Copy it whole"):
        verify("whsec_half-a-secret", signed(), BODY)


def test_the_docs_check_agrees() -> None:
    page = (Path(__file__).parents[3] / "docs" / "operation.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    is_genuine = names["is_genuine"]
    now, secret = int(time.time()), new_secret()
    headers = signed(secret, timestamp=now)
    assert is_genuine(secret, headers, BODY)
    assert not is_genuine(secret, headers, BODY + b" ")
    assert not is_genuine(new_secret(), headers, BODY)
    assert not is_genuine(secret, signed(secret, timestamp=now - 900), BODY)
