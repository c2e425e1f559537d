"""A provider lets in whom it vouches for, and nobody who bends what it says."""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from productnet.database.database import Database
from productnet.errors import SettingsError
from productnet.people.doors import Doors
from productnet.people.sessions import SignedIn
from productnet.portal.oidc import Begun, OpenIdConnect
from productnet.portal.oidc_provider import ProviderRefused, Refusal
from productnet.settings import SignInSettings

from .provider import CLIENT_ID, CLIENT_SECRET, LittleProvider, new_key, serving, visit

BACK = "http://127.0.0.1:8400/auth/oidc/callback"


class Turned:
    """The clock, and how far it was turned."""

    def __init__(self) -> None:
        self.by = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.by


@pytest.fixture
def clock() -> Turned:
    return Turned()


@pytest.fixture
def provider() -> Iterator[LittleProvider]:
    with serving() as little:
        yield little


@pytest.fixture
def doors(database_url: str, clock: Turned) -> Iterator[Doors]:
    """With ann, who labels and is awaited."""
    with Database.open(database_url) as database:
        opened = Doors.open(database, now=clock)
        opened.people.add("ann", roles=["labeler"], oidc_awaited=True)
        yield opened


Door = Callable[..., OpenIdConnect]


@pytest.fixture
def door(
    provider: LittleProvider, doors: Doors, clock: Turned, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Door]:
    """Opens the provider's door, with other settings if they are given."""
    monkeypatch.setenv("PRODUCTNET_OIDC_SECRET", CLIENT_SECRET)
    opened: list[OpenIdConnect] = []

    def build(**others: Any) -> OpenIdConnect:
        settings = SignInSettings(oidc_issuer=provider.issuer, oidc_client_id=CLIENT_ID, **others)
        made = OpenIdConnect.configured(settings, doors, now=clock)
        assert made is not None
        opened.append(made)
        return made

    yield build
    for one in opened:
        one.close()


def come_back(
    door: OpenIdConnect, begun: Begun, query: dict[str, str], cookie: str | None = ""
) -> SignedIn:
    return door.finish(
        query,
        cookie=begun.cookie if cookie == "" else cookie,
        redirect_uri=BACK,
        address="127.0.0.1",
    )


def sign_in(door: OpenIdConnect) -> SignedIn:
    begun = door.begin(redirect_uri=BACK)
    return come_back(door, begun, visit(begun.url))


def refusal(door: OpenIdConnect) -> ProviderRefused:
    with pytest.raises(ProviderRefused) as refused:
        sign_in(door)
    return refused.value


def test_an_awaited_account_is_got_by_the_first_sign_in(door: Door, doors: Doors) -> None:
    here = door()
    first = sign_in(here)
    assert first.person.name == "ann"
    assert first.person.roles == {"labeler"}
    assert first.person.oidc_subject == "s-1"
    assert not first.person.oidc_awaited
    assert doors.sessions.find(first.token)
    assert sign_in(here).token != first.token


def test_who_came_before_is_known_by_the_subject_not_the_name(
    door: Door, provider: LittleProvider, doors: Doors
) -> None:
    here = door(oidc_new_people=True)
    sign_in(here)
    provider.person = {"sub": "s-1", "preferred_username": "renamed"}
    assert sign_in(here).person.name == "ann"
    provider.person = {"sub": "s-2", "preferred_username": "ann"}
    refused = refusal(here)
    assert refused.reason is Refusal.UNKNOWN
    assert "awaits no OpenID Connect sign-in" in str(refused)


def test_nobody_gets_an_account_that_has_a_password_or_is_the_local_one(
    door: Door, provider: LittleProvider, doors: Doors
) -> None:
    doors.people.add("boss", roles=["admin"], password="tall vase, red mug")
    local = doors.local_person()
    for name in ("boss", local.name):
        provider.person = {"sub": "s-9", "preferred_username": name}
        assert refusal(door(oidc_new_people=True)).reason is Refusal.UNKNOWN


def test_new_people_get_accounts_only_if_so_set(
    door: Door, provider: LittleProvider, doors: Doors
) -> None:
    provider.person = {
        "sub": "s-2",
        "preferred_username": "Carla@shop.example",
        "name": "Carla Ö. \u202eB",
    }
    assert refusal(door()).reason is Refusal.UNKNOWN
    assert doors.people.find("carla") is None
    entered = sign_in(door(oidc_new_people=True, oidc_new_roles=("auditor",)))
    assert entered.person.name == "carla"
    assert entered.person.display_name == "Carla", "what spoils a page is not shown"
    assert entered.person.roles == {"auditor"}
    assert not entered.person.has_password
    provider.person = {"sub": "s-3", "preferred_username": "no name at all!"}
    assert refusal(door(oidc_new_people=True)).reason is Refusal.UNKNOWN


def test_groups_at_the_provider_are_roles_here(
    door: Door, provider: LittleProvider, doors: Doors
) -> None:
    here = door(
        oidc_roles_claim="realm_access.roles",
        oidc_roles={"shop-admins": "admin", "shop-labelers": "labeler"},
    )
    groups: list[str] = ["shop-admins", "shop-labelers", "others"]
    provider.person["realm_access"] = {"roles": groups}
    assert sign_in(here).person.roles == {"admin", "labeler"}
    provider.person["realm_access"] = {"roles": ["shop-labelers"]}
    refused = refusal(here)
    assert refused.reason is Refusal.LAST_ADMIN
    assert "last active admin" in str(refused)
    doors.people.add("boss", roles=["admin"], password="tall vase, red mug")
    before = sign_in(here)
    assert before.person.roles == {"labeler"}
    del provider.person["realm_access"]
    assert sign_in(here).person.roles == frozenset()
    found = doors.sessions.find(before.token)
    assert found is not None
    assert found.person.roles == frozenset()


def test_what_the_token_lacks_is_asked_of_userinfo(door: Door, provider: LittleProvider) -> None:
    provider.person = {"sub": "s-1"}
    assert "no claim 'preferred_username'" in str(refusal(door()))
    provider.at_userinfo = {"preferred_username": "ann", "sub": "s-2"}
    assert "somebody else" in str(refusal(door()))
    provider.at_userinfo = {"preferred_username": "ann", "iss": "x"}
    assert sign_in(door()).person.name == "ann"


@pytest.mark.parametrize(
    ("email", "verified", "let_in"),
    [
        ("ann@shop.example", True, True),
        ("ann@SHOP.example", "true", True),
        ("ann@shop.example", False, False),
        ("ann@shop.example", None, False),
        ("ann@evil.example", True, False),
        ("ann@shop.example@evil.example", True, False),
        ("ann@shop.example.evil.example", True, False),
        (None, True, False),
        (["ann@shop.example"], True, False),
    ],
)
def test_only_verified_addresses_of_the_domains_are_let_in(
    door: Door, provider: LittleProvider, email: object, verified: object, let_in: bool
) -> None:
    provider.person |= {"email": email, "email_verified": verified}
    here = door(oidc_domains=("Shop.example",))
    if let_in:
        assert sign_in(here).person.name == "ann"
    else:
        assert refusal(here).reason is Refusal.DOMAIN


def test_an_address_is_a_name_only_if_it_was_verified(door: Door, provider: LittleProvider) -> None:
    here = door(oidc_name_claim="email")
    provider.person = {"sub": "s-1", "email": "ann@shop.example"}
    assert "did not verify" in str(refusal(here))
    provider.person["email_verified"] = True
    assert sign_in(here).person.name == "ann"


NOW = time.time()


@pytest.mark.parametrize(
    "spoilt",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": None},
        {"aud": ["another-client", "third"]},
        {"aud": ["productnet", "another-client"]},  # without saying to whom it was issued
        {"azp": "another-client"},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": NOW - 3_600},
        {"exp": None},
        {"exp": "never"},
        {"iat": None},
        {"iat": NOW + 3_600},
        {"nbf": NOW + 3_600},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "s-1\0"},
        {"at_hash": "of-another-token"},
    ],
    ids=",".join,
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(
    door: Door, provider: LittleProvider, doors: Doors, spoilt: dict[str, Any]
) -> None:
    provider.spoilt = spoilt
    assert refusal(door()).reason is Refusal.PROVIDER
    assert doors.sessions.of("ann") == []
    provider.spoilt = {}
    assert sign_in(door()).person.name == "ann"


def test_a_token_that_others_signed_is_refused(door: Door, provider: LittleProvider) -> None:
    here = door()
    sign_in(here)
    provider.signing_key = new_key("one")
    assert "bad_signature" in str(refusal(here))
    # The public key taken for a shared secret.
    provider.forged_with = provider.key.as_pem(private=False)
    assert "unsupported_algorithm" in str(refusal(here))
    provider.metadata = {"id_token_signing_alg_values_supported": ["HS256", "none"]}
    assert "signs with" in str(refusal(door()))


def test_new_keys_of_the_provider_are_fetched(door: Door, provider: LittleProvider) -> None:
    here = door()
    sign_in(here)
    provider.rotate("two")
    assert sign_in(here).person.name == "ann"
    assert provider.discoveries == 1, "what it says of itself is remembered"


@pytest.mark.parametrize("state", ["another", "", None])
def test_an_answer_of_another_sign_in_is_refused(
    door: Door, provider: LittleProvider, state: str | None
) -> None:
    here = door()
    begun = here.begin(redirect_uri=BACK)
    query = visit(begun.url)
    spoilt = {name: value for name, value in query.items() if name != "state"}
    if state is not None:
        spoilt["state"] = state
    with pytest.raises(ProviderRefused, match="another browser"):
        come_back(here, begun, spoilt)
    assert provider.asked == [], "the provider is not even asked"
    assert come_back(here, begun, query)


@pytest.mark.parametrize(
    "cookie", [None, "x", "1.x", "99999999999999999999.x", "\ud800", "²³.x", "-1.x", "nan.x"]
)
def test_another_browser_cannot_finish_a_sign_in(door: Door, cookie: str | None) -> None:
    here = door()
    begun = here.begin(redirect_uri=BACK)
    query = visit(begun.url)
    others = here.begin(redirect_uri=BACK)
    for brought in (cookie, others.cookie, begun.cookie + "x"):
        with pytest.raises(ProviderRefused, match="another browser") as refused:
            come_back(here, begun, query, brought)
        assert refused.value.reason is Refusal.STALE


def test_a_sign_in_is_not_played_again(
    door: Door, provider: LittleProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = door()
    begun = here.begin(redirect_uri=BACK)
    query = visit(begun.url)
    assert come_back(here, begun, query)
    with pytest.raises(ProviderRefused, match="invalid_grant"):
        come_back(here, begun, query)
    # Nor by a provider that takes a code twice.
    again = visit(begun.url)
    assert again["state"] == query["state"]
    with pytest.raises(ProviderRefused, match="used already"):
        come_back(here, begun, again)


def test_a_sign_in_that_took_too_long_is_over(door: Door, clock: Turned) -> None:
    here = door()
    begun = here.begin(redirect_uri=BACK)
    query = visit(begun.url)
    clock.by = timedelta(minutes=10, seconds=2)
    with pytest.raises(ProviderRefused, match="too long ago"):
        come_back(here, begun, query)
    clock.by = timedelta(minutes=-10)
    with pytest.raises(ProviderRefused, match="too long ago"):
        come_back(here, begun, query)


def test_the_code_is_worth_nothing_to_another_browser(door: Door, provider: LittleProvider) -> None:
    here = door()
    stolen = visit(here.begin(redirect_uri=BACK).url)["code"]
    mine = here.begin(redirect_uri=BACK)
    query = visit(mine.url) | {"code": stolen}
    with pytest.raises(ProviderRefused, match="invalid_grant"):
        come_back(here, mine, query)


def test_a_cancelled_sign_in_and_a_foreign_answer_say_what_they_are(
    door: Door, provider: LittleProvider
) -> None:
    provider.extra = {"error": "access_denied"}
    assert refusal(door()).reason is Refusal.CANCELLED
    provider.extra = {"error": "server_error<script>"}
    assert refusal(door()).reason is Refusal.PROVIDER
    provider.extra = {"iss": "https://evil.example"}
    assert "another provider" in str(refusal(door()))
    provider.extra = {"iss": provider.issuer}
    assert sign_in(door())


def test_a_deactivated_person_is_refused(door: Door, doors: Doors) -> None:
    here = door()
    sign_in(here)
    doors.people.change("ann", active=False)
    assert refusal(here).reason is Refusal.INACTIVE


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ({"issuer": "https://other.example"}, "is of issuer 'https://other.example'"),
        ({"issuer": None}, "is of issuer None"),
        ({"authorization_endpoint": "http://evil.example/a"}, "no usable authorization_endpoint"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "no usable authorization_endpoint"),
        ({"authorization_endpoint": None}, "no usable authorization_endpoint"),
    ],
)
def test_a_provider_that_is_not_as_it_says_is_not_gone_to(
    door: Door, provider: LittleProvider, metadata: dict[str, Any], why: str
) -> None:
    provider.metadata = metadata
    with pytest.raises(ProviderRefused, match=why):
        door().begin(redirect_uri=BACK)


def test_a_provider_that_cannot_be_reached_is_an_answer_too(doors: Doors) -> None:
    with serving() as gone:
        settings = SignInSettings(oidc_issuer=gone.issuer, oidc_client_id=CLIENT_ID)
    door = OpenIdConnect.configured(settings, doors)
    assert door is not None
    with pytest.raises(ProviderRefused, match="cannot be asked"):
        door.begin(redirect_uri=BACK)
    door.close()


@pytest.mark.parametrize(
    ("others", "why"),
    [
        ({"oidc_issuer": "http://id.example"}, "Write an https:// URL"),
        ({"oidc_issuer": "id.example"}, "Write an https:// URL"),
        ({"oidc_client_id": None}, "oidc_client_id is missing"),
        ({"oidc_roles": {"a": "boss"}}, "no role 'boss'"),
        ({"oidc_new_roles": ("labeller",)}, 'Did you mean "labeler"'),
    ],
)
def test_settings_that_cannot_work_are_told_at_the_start(
    doors: Doors, others: dict[str, Any], why: str
) -> None:
    right = {"oidc_issuer": "https://id.example", "oidc_client_id": "x"}
    with pytest.raises(SettingsError, match=why):
        OpenIdConnect.configured(SignInSettings(**(right | others)), doors)
    assert OpenIdConnect.configured(SignInSettings(), doors) is None


def test_the_log_tells_the_admin_why_and_no_secret(
    door: Door, provider: LittleProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.spoilt = {"aud": "another-client"}
    here = door()
    begun = here.begin(redirect_uri=BACK)
    query = visit(begun.url)
    with caplog.at_level(logging.INFO), pytest.raises(ProviderRefused):
        come_back(here, begun, query)
    told = "\n".join(record.getMessage() for record in caplog.records if "OpenID" in record.msg)
    assert "refused (provider)" in told
    assert "aud" in told
    for secret in (begun.cookie, query["code"], query["state"], CLIENT_SECRET, "eyJ"):
        assert secret not in told
        assert secret not in repr(begun).replace(begun.url, "")
