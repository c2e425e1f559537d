"""Commands of people: ``people add``, ``list``, ``change``, ``password``, and their API keys."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from productnet.cli.console import say, show, table
from productnet.cli.options import HERE, JsonOption, ProjectOption
from productnet.errors import UsageError
from productnet.settings import Project

if TYPE_CHECKING:
    from productnet.people.accounts import Person
    from productnet.people.doors import Doors
    from productnet.people.keys import ApiKey

PEOPLE_PANEL = "Work together"

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the person")]
RoleOption = Annotated[
    list[str] | None,
    typer.Option("--role", help="labeler, auditor, adjudicator or admin; can be repeated"),
]
DisplayNameOption = Annotated[str | None, typer.Option(help="What others read")]
PasswordOption = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password from the input, not make one up"),
]


def register(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    people = typer.Typer(no_args_is_help=True, help="People of the project and their API keys.")
    for command in (add, list_, change, password):
        people.command(command.__name__.rstrip("_"))(command)
    key = typer.Typer(no_args_is_help=True, help="API keys, with which programs come in.")
    key.command("add")(add_key)
    key.command("list")(list_keys)
    key.command("revoke")(revoke_key)
    people.add_typer(key, name="key")
    app.add_typer(people, name="people", rich_help_panel=PEOPLE_PANEL)


def add(
    name: NameArgument,
    role: RoleOption = None,
    display_name: DisplayNameOption = None,
    password_stdin: PasswordOption = False,
    oidc: Annotated[
        bool, typer.Option("--oidc", help="Let the first OpenID Connect sign-in have the account")
    ] = False,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Add a person; where no password is given, one is made up and printed once.

    Examples:
        productnet people add ann --role labeler --role auditor

        productnet people add boss --role admin --password-stdin < password.txt

        productnet people add carla --role labeler --oidc
    """
    if oidc and password_stdin:
        raise UsageError("A person comes in by --oidc or by a password. Leave one out.")
    word = None if oidc else _password(from_input=password_stdin)
    with _doors(project) as doors:
        person = doors.people.add(
            name, roles=role or [], display_name=display_name, password=word, oidc_awaited=oidc
        )
    made_up = None if password_stdin else word
    show(
        _described(person) | ({"password": made_up} if made_up else {}),
        as_json=json,
        human=lambda: say(
            f"Added {person.name} ({_roles(person)})."
            + (f" Password, shown this once: {made_up}" if made_up else "")
        ),
    )


def list_(project: ProjectOption = HERE, json: JsonOption = False) -> None:
    """List everyone, with roles and how they come in.

    Examples:
        productnet people list
    """
    with _doors(project) as doors:
        everyone = doors.people.all()
    show(
        {"people": [_described(person) for person in everyone]},
        as_json=json,
        human=lambda: table(
            "People",
            ("name", "display name", "roles", "active", "comes in by", "since"),
            [
                (
                    person.name,
                    person.display_name,
                    _roles(person),
                    "yes" if person.active else "no",
                    _comes_in_by(person),
                    f"{person.created_at:%Y-%m-%d}",
                )
                for person in everyone
            ],
        ),
    )


def change(
    name: NameArgument,
    role: RoleOption = None,
    no_role: Annotated[bool, typer.Option("--no-role", help="Take every role away")] = False,
    display_name: DisplayNameOption = None,
    active: Annotated[
        bool | None,
        typer.Option(
            "--activate/--deactivate",
            help="Whether the person may come in; deactivation ends sessions and API keys",
        ),
    ] = None,
    oidc: Annotated[
        bool | None,
        typer.Option(
            "--oidc/--no-oidc", help="Whether the next OpenID Connect sign-in gets the account"
        ),
    ] = None,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Change a person; roles that are given replace those there were.

    Examples:
        productnet people change ann --role labeler --role adjudicator

        productnet people change ann --deactivate
    """
    if role and no_role:
        raise UsageError("Give --role or --no-role, not both.")
    if not role and not no_role and (display_name, active, oidc) == (None, None, None):
        raise UsageError(
            "Nothing to change. Give --role, --no-role, --display-name, --activate, --deactivate "
            "or --oidc; `productnet people password` sets a password."
        )
    with _doors(project) as doors:
        person = doors.people.change(
            name,
            roles=[] if no_role else role,
            display_name=display_name,
            active=active,
            oidc_awaited=oidc,
        )
    show(
        _described(person),
        as_json=json,
        human=lambda: say(
            f"{person.name}: {_roles(person)}, {'active' if person.active else 'deactivated'}."
        ),
    )


def password(
    name: NameArgument,
    password_stdin: PasswordOption = False,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Set a new password, end the person's sessions, and let them try at once.

    Examples:
        productnet people password ann

        productnet people password boss --password-stdin < password.txt
    """
    word = _password(from_input=password_stdin)
    with _doors(project) as doors:
        person = doors.people.change(name, password=word)
        doors.throttle.clear(person.name)
    shown = {} if password_stdin else {"password": word}
    show(
        {"name": person.name} | shown,
        as_json=json,
        human=lambda: say(
            f"{person.name} has a new password."
            + ("" if password_stdin else f" Shown this once: {word}")
        ),
    )


def add_key(
    name: NameArgument,
    label: Annotated[str, typer.Option(help="What the key is for")],
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help="read, annotate or admin; can be repeated [default: read]"),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="Days until it ends [default: never]")
    ] = None,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Make an API key for a person; it is printed once.

    Examples:
        productnet people key add ann --label "nightly export"

        productnet people key add ann --label robot --scope read --scope annotate --days 90
    """
    expires_at = datetime.now(UTC) + timedelta(days=days) if days else None
    with _doors(project) as doors:
        text, key = doors.keys.add(
            doors.people.get(name), label=label, scopes=scope or ["read"], expires_at=expires_at
        )
    show(
        _described_key(key) | {"key": text},
        as_json=json,
        human=lambda: say(f"API key of {key.owner}, shown this once: {text}"),
    )


def list_keys(name: NameArgument, project: ProjectOption = HERE, json: JsonOption = False) -> None:
    """List a person's API keys: what they open, until when, when they were used.

    Examples:
        productnet people key list ann
    """
    with _doors(project) as doors:
        keys = doors.keys.of(doors.people.get(name).name)
    show(
        {"keys": [_described_key(key) for key in keys]},
        as_json=json,
        human=lambda: table(
            "API keys",
            ("id", "label", "scopes", "made", "ends", "used", "revoked"),
            [
                (
                    key.id,
                    key.label,
                    ", ".join(sorted(key.scopes)),
                    _day(key.created_at),
                    _day(key.expires_at),
                    _day(key.used_at),
                    _day(key.revoked_at),
                )
                for key in keys
            ],
        ),
    )


def revoke_key(
    name: NameArgument,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Id of the key, from `key list`")],
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """End an API key for good.

    Examples:
        productnet people key revoke ann 4fTq1xWbR2aZ
    """
    with _doors(project) as doors:
        revoked = doors.keys.revoke(key, owner=doors.people.get(name).name)
    show(
        _described_key(revoked),
        as_json=json,
        human=lambda: say(f"The key {revoked.id} ({revoked.label}) opens nothing any more."),
    )


@contextmanager
def _doors(project: Path) -> "Iterator[Doors]":
    from productnet.database.database import Database
    from productnet.people.doors import Doors

    opened = Project.open(project)
    with Database.open(opened.database_url) as database:
        yield Doors.open(database, opened.settings.sign_in)


def _password(*, from_input: bool) -> str:
    """A line of the input, asked for without echo where somebody types; or a made-up one."""
    from productnet.people.passwords import generated_password

    if not from_input:
        return generated_password()
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _described(person: "Person") -> dict[str, object]:
    return {
        "name": person.name,
        "display_name": person.display_name,
        "roles": sorted(person.roles),
        "active": person.active,
        "has_password": person.has_password,
        "oidc_awaited": person.oidc_awaited,
        "oidc_subject": person.oidc_subject,
        "created_at": person.created_at.isoformat(),
    }


def _described_key(key: "ApiKey") -> dict[str, object]:
    def written(at: datetime | None) -> str | None:
        return at.isoformat() if at else None

    return {
        "id": key.id,
        "owner": key.owner,
        "label": key.label,
        "scopes": sorted(key.scopes),
        "created_at": written(key.created_at),
        "expires_at": written(key.expires_at),
        "used_at": written(key.used_at),
        "revoked_at": written(key.revoked_at),
    }


def _roles(person: "Person") -> str:
    return ", ".join(sorted(person.roles)) or "no role"


def _comes_in_by(person: "Person") -> str:
    ways = ["password"] * person.has_password
    ways += ["OpenID Connect"] * (person.oidc_subject is not None)
    ways += ["OpenID Connect (awaited)"] * person.oidc_awaited
    return ", ".join(ways) or "a link on this machine"


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else ""
