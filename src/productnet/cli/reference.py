"""The reference pages of the docs, made from the code: commands, settings and registries.

``python -m productnet.cli.reference docs`` writes them; a test fails when they are stale.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import typer.main
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from productnet.cli.main import app
from productnet.registry import Registry
from productnet.settings import Settings, described_settings

_HEAD = "<!-- Made by `make docs` from the code; edits here are lost. -->\n\n"


def commands_page() -> str:
    """``docs/cli.md``: every command with its help, arguments and options."""
    root = typer.main.get_command(app)
    if not isinstance(root, TyperGroup):
        raise TypeError(f"The application is a {type(root).__name__}, not a group of commands.")
    parts = [_HEAD, "# Commands\n\nEvery command acts on the project in the current folder, or on "]
    parts.append("`--project DIR`; `--json` prints one JSON object for scripts.\n")
    parts += [_command_section(name, command) for name, command in _commands(root)]
    return "".join(parts)


def settings_page() -> str:
    """``docs/settings.md``: every setting of ``productnet.toml`` with its default."""
    defaults = Settings().model_dump(mode="json")
    lines = [_HEAD, "# Settings\n\n`productnet.toml` in the project folder. Unknown keys are "]
    lines.append("refused.\n\n| setting | default | what it sets |\n|---|---|---|\n")
    for key, help_text in described_settings():
        value: object = defaults
        for part in key.split("."):
            value = value[part] if isinstance(value, dict) else None
        lines.append(f"| `{key}` | `{_toml(value)}` | {help_text} |\n")
    return "".join(lines)


def registries_page() -> str:
    """``docs/registries.md``: every named piece that can be chosen, or added by one new file."""
    from productnet.catalog.readers.registry import READERS
    from productnet.encoders.registry import IMAGE_ENCODERS, TEXT_ENCODERS
    from productnet.engine.registry import ENGINES
    from productnet.inspection.registry import INSPECTIONS
    from productnet.local.registry import LOCAL_MODELS
    from productnet.master.fields.registry import FIELD_ENCODERS
    from productnet.release.exporters.registry import EXPORTERS
    from productnet.retrieval.registry import SOURCES
    from productnet.taxonomy.registry import TAXONOMY_READERS

    registries: tuple[tuple[str, Registry[object]], ...] = (
        ("Feed readers", READERS),
        ("Taxonomy readers", TAXONOMY_READERS),
        ("Image encoders", IMAGE_ENCODERS),
        ("Text encoders", TEXT_ENCODERS),
        ("Sources of candidates", SOURCES),
        ("Local models", LOCAL_MODELS),
        ("Field encoders of the master model", FIELD_ENCODERS),
        ("Export formats", EXPORTERS),
        ("Inspections of the data", INSPECTIONS),
        ("Engines", ENGINES),
    )
    parts = [_HEAD, "# Registries\n\nWhat can be chosen by name. Adding one is one new file and "]
    parts.append("one line in its table.\n")
    for title, registry in registries:
        parts.append(f"\n## {title}\n\n| name | what it is |\n|---|---|\n")
        parts += [f"| `{name}` | {registry.help(name)} |\n" for name in registry]
    return "".join(parts)


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": commands_page,
    "settings.md": settings_page,
    "registries.md": registries_page,
}


def _commands(group: TyperGroup, before: str = "") -> Iterator[tuple[str, TyperCommand]]:
    """Every command under the words it is called by, those of groups within groups too."""
    for name, command in group.commands.items():
        if isinstance(command, TyperCommand):
            yield before + name, command
        elif isinstance(command, TyperGroup):
            yield from _commands(command, f"{before}{name} ")


def _command_section(name: str, command: TyperCommand) -> str:
    arguments = [one for one in command.params if isinstance(one, TyperArgument)]
    options = [one for one in command.params if isinstance(one, TyperOption)]
    usage = " ".join(["productnet", name, *(one.metavar or "" for one in arguments), "[OPTIONS]"])
    rows = [f"| `{one.metavar}` | {_text(one.help)} |\n" for one in arguments]
    rows += [f"| `{', '.join(one.opts)}` | {_text(one.help)}{_default(one)} |\n" for one in options]
    return (
        f"\n## productnet {name}\n\n```\n{usage}\n```\n\n"
        f"{_help_as_markdown(command.help or '')}\n\n| option | meaning |\n|---|---|\n"
        + "".join(rows)
    )


def _default(option: TyperOption) -> str:
    shown = option.default is not None and not option.is_flag and option.name != "project"
    return f" [default: {option.default}]" if shown else ""


def _text(help_text: str | None) -> str:
    return (help_text or "").replace("|", "\\|").replace("\n", " ")


def _help_as_markdown(text: str) -> str:
    head, _, examples = text.partition("Examples:")
    block = "\n".join(line.strip() for line in examples.splitlines() if line.strip())
    return head.strip() + (f"\n\n```bash\n{block}\n```" if block else "")


def _toml(value: object) -> str:
    if value is None:
        return "not set"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "none"
    return str(value)


if __name__ == "__main__":
    for file_name, page in PAGES.items():
        (Path(sys.argv[1]) / file_name).write_text(page(), encoding="utf-8")
