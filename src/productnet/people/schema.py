"""The tables of people: accounts, sessions, API keys, one-time tokens, attempts to sign in."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, UniqueConstraint

from productnet.database.columns import UtcTime, metadata

people = Table(
    "people",
    metadata,
    Column("name", Text, primary_key=True),
    # What the name looks like; two people never look alike.
    Column("skeleton", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("password_hash", Text),
    Column("oidc_awaited", Boolean, nullable=False),
    Column("oidc_issuer", Text),
    Column("oidc_subject", Text),
    # Counts up whenever the person is signed out everywhere.
    Column("sign_outs", Integer, nullable=False),
    UniqueConstraint("skeleton", name="people_skeleton"),
    UniqueConstraint("oidc_issuer", "oidc_subject", name="people_oidc"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    UniqueConstraint("digest", name="sessions_digest"),
    Index("sessions_person", "person"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("used_at", UtcTime),
    Column("revoked_at", UtcTime),
    Index("api_keys_owner", "owner"),
)

# One row: counts up with every door that closes, so that whoever remembers one reads it anew.
door_changes = Table(
    "door_changes",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)

one_time_tokens = Table(
    "one_time_tokens",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", UtcTime, nullable=False),
)
