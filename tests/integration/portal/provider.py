"""A little provider of OpenID Connect on loopback, which a test can make lie."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID = "productnet"
CLIENT_SECRET = "a secret of + and %"


def new_key(kid: str) -> RSAKey:
    """A key pair under this id."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


# Making a pair takes longer than a test.
_KEY = new_key("one")


class LittleProvider:
    """Signs in whoever is named by ``person``; what it says can be spoilt field by field.

    Attributes:
        person: Claims about who signs in.
        spoilt: Claims of the ID token that are not as they should be; None leaves one out.
        forged_with: A shared secret to sign with, in place of the key.
        at_userinfo: Claims that only the userinfo endpoint tells.
        metadata: Of its discovery document, what differs.
        asked: What the token endpoint was sent.
    """

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key = _KEY
        self.signing_key = self.key
        self.forged_with: bytes | None = None
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.person: dict[str, Any] = {"sub": "s-1", "preferred_username": "ann"}
        self.spoilt: dict[str, Any] = {}
        self.at_userinfo: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.extra: dict[str, str] = {}
        self.asked: list[dict[str, str]] = []
        self.discoveries = 0
        self._codes: dict[str, dict[str, str]] = {}

    def discovery(self) -> dict[str, Any]:
        self.discoveries += 1
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256"],
        } | self.metadata

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        assert query["tenant"] == "1"
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert query["client_id"] == CLIENT_ID
        assert "openid" in query["scope"].split()
        code = f"code-{len(self._codes)}"
        self._codes[code] = query
        back = {"code": code, "state": query["state"]} | self.extra
        return str(httpx.URL(query["redirect_uri"]).copy_merge_params(back))

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        self.asked.append(form | {"authorization": authorization})
        begun = self._codes.pop(form.get("code", ""), None)
        basic = base64.b64encode(b"productnet:a+secret+of+%2B+and+%25").decode()
        proof = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(proof).rstrip(b"=").decode()
        if (
            begun is None
            or begun["code_challenge"] != challenge
            or begun["redirect_uri"] != form["redirect_uri"]
            or authorization != f"Basic {basic}"
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": begun["nonce"],
        }
        claims = claims | self.person | self.spoilt
        claims = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode(self.header, claims, self.signing_key)
        if self.forged_with is not None:
            token = _forged(claims, self.forged_with)
        return 200, {"access_token": "at", "token_type": "Bearer", "id_token": token}

    def rotate(self, kid: str) -> None:
        self.key = self.signing_key = new_key(kid)
        self.header = {"alg": "RS256", "kid": kid}

    def keys(self) -> dict[str, Any]:
        return {"keys": [self.key.as_dict(private=False)]}


def _forged(claims: dict[str, Any], secret: bytes) -> str:
    """A token signed with a shared secret, by hand, for no library would."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "kid": "one", "typ": "JWT"}, claims)
    ]
    signature = hmac.new(secret, b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


@contextmanager
def serving() -> Iterator[LittleProvider]:
    """A provider that listens."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", provider.authorize(dict(parse_qsl(url.query))))
                self.end_headers()
                return
            if url.path == "/userinfo":
                assert self.headers["Authorization"] == "Bearer at"
                self._answer(200, {"sub": provider.person["sub"]} | provider.at_userinfo)
                return
            pages = {
                "/.well-known/openid-configuration": provider.discovery,
                "/keys": provider.keys,
            }
            self._answer(200, pages[url.path]())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer(*provider.token(form, self.headers.get("Authorization", "")))

        def _answer(self, status: int, content: dict[str, Any]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = LittleProvider(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def visit(url: str) -> dict[str, str]:
    """Follow a browser to the provider: what it comes back with."""
    answer = httpx.get(url)
    assert answer.status_code == 302, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
