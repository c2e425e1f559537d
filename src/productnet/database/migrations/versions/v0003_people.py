"""People: accounts, sessions, API keys, one-time tokens, attempts to sign in."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    at = sa.DateTime(timezone=True)
    op.create_table(
        "people",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("skeleton", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("created_at", at, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("oidc_awaited", sa.Boolean, nullable=False),
        sa.Column("oidc_issuer", sa.Text),
        sa.Column("oidc_subject", sa.Text),
        sa.Column("sign_outs", sa.Integer, nullable=False),
        sa.UniqueConstraint("skeleton", name="people_skeleton"),
        sa.UniqueConstraint("oidc_issuer", "oidc_subject", name="people_oidc"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("created_at", at, nullable=False),
        sa.Column("seen_at", at, nullable=False),
        sa.Column("expires_at", at, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.UniqueConstraint("digest", name="sessions_digest"),
    )
    op.create_index("sessions_person", "sessions", ["person"])
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created_at", at, nullable=False),
        sa.Column("expires_at", at),
        sa.Column("used_at", at),
        sa.Column("revoked_at", at),
    )
    op.create_index("api_keys_owner", "api_keys", ["owner"])
    op.create_table(
        "one_time_tokens",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("expires_at", at, nullable=False),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_at", at, nullable=False),
    )
