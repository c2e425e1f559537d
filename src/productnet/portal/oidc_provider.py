"""A provider of OpenID Connect: where it sends people, and what it then says of them.

The authorization code flow with PKCE, as OpenID Connect Core 1.0 section 3.1 and RFC 7636 have it.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import quote_plus, urlsplit

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from productnet.errors import SignInError
from productnet.people.recent import Clock, utc_now

Claims = dict[str, object]

# Signatures that need no secret of ours to be checked; "none" and shared keys are not among them.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")

# For how long what the provider says of itself is believed.
_KNOWN_FOR = timedelta(hours=1)

# Seconds that clocks may differ.
_LEEWAY = 60

_TIMEOUT = 10.0


class Refusal(StrEnum):
    """Why a sign-in by a provider came to nothing; the sign-in page says it in words."""

    CANCELLED = "cancelled"
    STALE = "stale"
    PROVIDER = "provider"
    DOMAIN = "domain"
    UNKNOWN = "unknown"
    INACTIVE = "inactive"
    LAST_ADMIN = "last-admin"


class ProviderRefused(SignInError):
    """A sign-in by a provider came to nothing.

    Attributes:
        reason: Which of the reasons that the sign-in page knows.
    """

    def __init__(self, reason: Refusal, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """The secrets of one sign-in, which tie what comes back to the browser that began it.

    Attributes:
        state: Comes back with the browser.
        nonce: Comes back within the signed token.
        verifier: Proves to the provider that who has the code is who asked for it.
        redirect_uri: Where the provider sends the browser back to.
    """

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


class Provider:
    """One provider, found by its issuer URL; safe to share between threads."""

    def __init__(
        self,
        issuer: str,
        *,
        client_id: str,
        client_secret: str | None,
        scopes: tuple[str, ...],
        now: Clock = utc_now,
    ) -> None:
        """A provider that is asked nothing yet.

        Args:
            issuer: Its URL, exactly as it writes it itself.
            client_id: What it calls this portal.
            client_secret: What it knows the portal by; none for a public client.
            scopes: What is asked of it.
            now: The clock.
        """
        self.issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._scopes = scopes
        self._now = now
        self._http = httpx.Client(timeout=_TIMEOUT, follow_redirects=False)
        self._metadata: tuple[datetime, Claims] | None = None
        self._keys: KeySet | None = None

    def authorization_url(self, flow: Flow) -> str:
        """Where to send the browser; raises ProviderRefused if the provider cannot be reached."""
        return str(
            prepare_grant_uri(
                self._endpoint("authorization_endpoint"),
                self._client_id,
                "code",
                redirect_uri=flow.redirect_uri,
                scope=" ".join(dict.fromkeys(("openid", *self._scopes))),
                state=flow.state,
                nonce=flow.nonce,
                code_challenge=create_s256_code_challenge(flow.verifier),
                code_challenge_method="S256",
            )
        )

    def claims(self, code: str, flow: Flow, *, wanted: tuple[str, ...]) -> Claims:
        """What the provider says of the person, for the code that the browser brought.

        Args:
            code: From the provider, by way of the browser.
            flow: As it was begun.
            wanted: Claims to ask the provider for again where its token lacks one of them.

        Raises:
            ProviderRefused: The provider cannot be reached or refuses the code; or the token is
                not its own, not for us, not of this sign-in, or too old.
        """
        answer = self._exchange(code, flow)
        claims = self._verified(answer.get("id_token"), answer.get("access_token"), flow)
        if all(name in claims for name in wanted):
            return claims
        return self._of_userinfo(answer.get("access_token"), claims) | claims

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def _exchange(self, code: str, flow: Flow) -> Claims:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": flow.redirect_uri,
            "code_verifier": flow.verifier,
            "client_id": self._client_id,
        }
        auth = None
        if self._client_secret is not None:
            methods = self._known().get("token_endpoint_auth_methods_supported")
            if isinstance(methods, list) and "client_secret_basic" not in methods:
                form["client_secret"] = self._client_secret
            else:
                # RFC 6749 section 2.3.1 has both encoded before they are joined.
                name, secret = quote_plus(self._client_id), quote_plus(self._client_secret)
                auth = httpx.BasicAuth(name, secret)
        return self._json("POST", self._endpoint("token_endpoint"), data=form, auth=auth)

    def _verified(self, token: object, access_token: object, flow: Flow) -> Claims:
        if not isinstance(token, str):
            raise _faulty(f"{self.issuer} sent no ID token. Is openid among the scopes?")
        options = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self._client_id},
        }
        params = {"nonce": flow.nonce, "client_id": self._client_id, "access_token": access_token}
        try:
            decoded = self._decoded(token)
            # Checks issuer, audience, nonce, times, the authorized party and the access token.
            claims = CodeIDToken(decoded.claims, decoded.header, options, params)
            claims.validate(leeway=_LEEWAY)
        except (JoseError, ValueError, TypeError) as error:
            raise _faulty(f"The ID token of {self.issuer} is not valid: {error}") from error
        subject = claims["sub"]
        if not isinstance(subject, str) or not subject or not subject.isprintable():
            raise _faulty(f"The ID token of {self.issuer} names no subject.")
        return dict(claims)

    def _decoded(self, token: str) -> jwt.Token:
        supported = self._known().get("id_token_signing_alg_values_supported")
        offered = supported if isinstance(supported, list) else ["RS256"]
        algorithms = [name for name in _ALGORITHMS if name in offered]
        if not algorithms:
            raise _faulty(
                f"{self.issuer} signs with {offered!r}; we know {', '.join(_ALGORITHMS)}."
            )
        try:
            return jwt.decode(token, self._key_set(), algorithms=algorithms)
        except InvalidKeyIdError:
            # The provider has new keys since.
            self._keys = None
            return jwt.decode(token, self._key_set(), algorithms=algorithms)

    def _key_set(self) -> KeySet:
        if self._keys is None:
            keys = self._json("GET", self._endpoint("jwks_uri"))
            try:
                self._keys = KeySet.import_key_set(cast("Any", keys))
            except (KeyError, TypeError) as error:
                raise _faulty(f"{self.issuer} published no keys.") from error
        return self._keys

    def _of_userinfo(self, access_token: object, claims: Claims) -> Claims:
        if "userinfo_endpoint" not in self._known() or not isinstance(access_token, str):
            return {}
        headers = {"Authorization": f"Bearer {access_token}"}
        more = self._json("GET", self._endpoint("userinfo_endpoint"), headers=headers)
        # OpenID Connect Core 5.3.2: it may be an answer about somebody else.
        if more.get("sub") != claims["sub"]:
            raise _faulty(f"{self.issuer} told of somebody else than who signed in.")
        return more

    def _known(self) -> Claims:
        """What the provider says of itself (OpenID Connect Discovery 1.0)."""
        kept = self._metadata
        if kept is not None and self._now() - kept[0] < _KNOWN_FOR:
            return kept[1]
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        metadata = self._json("GET", url)
        if metadata.get("issuer") != self.issuer:
            raise _faulty(f"{url} is of issuer {metadata.get('issuer')!r}. Write `oidc_issuer` so.")
        self._metadata = (self._now(), metadata)
        self._keys = None
        return metadata

    def _endpoint(self, name: str) -> str:
        url = self._known().get(name)
        if not isinstance(url, str) or not is_safe_url(url):
            raise _faulty(f"{self.issuer} names no usable {name}: {url!r}.")
        return url

    def _json(
        self,
        method: str,
        url: str,
        *,
        data: dict[str, str] | None = None,
        auth: httpx.Auth | None = None,
        headers: dict[str, str] | None = None,
    ) -> Claims:
        try:
            answer = self._http.request(method, url, data=data, auth=auth, headers=headers)
            if answer.is_success:
                decoded = answer.json()
                if isinstance(decoded, dict):
                    return decoded
            said = answer.text[:200]
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _faulty(f"{url} cannot be asked: {error}") from error
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise _faulty(f"{url} did not answer in JSON.") from error
        raise _faulty(f"{url} answered {answer.status_code}: {said!r}")


def is_safe_url(url: str) -> bool:
    """Whether what is sent there can be read by nobody else: https, or this very machine."""
    parsed = urlsplit(url)
    if parsed.scheme == "https" and parsed.hostname:
        return True
    if parsed.scheme != "http":
        return False
    try:
        return ip_address(parsed.hostname or "").is_loopback
    except ValueError:
        return parsed.hostname == "localhost"


def _faulty(text: str) -> ProviderRefused:
    return ProviderRefused(Refusal.PROVIDER, text)
