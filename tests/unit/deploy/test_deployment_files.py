"""The deployment files are sound, hold no password, and call commands that there are."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from productnet.cli.main import app

DEPLOY = Path(__file__).parents[3] / "deploy"
SERVICES = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
OBJECTS = [*yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())]
TEMPLATES = [one["spec"]["template"] for one in OBJECTS if "template" in one.get("spec", {})]


def called() -> list[list[str]]:
    """Every call of productnet in the files: as arguments of its image, or in a script."""
    containers = [one for template in TEMPLATES for one in template["spec"]["containers"]]
    calls = [one["args"] for one in containers if "command" not in one and "args" in one]
    calls += [
        one["command"]
        for one in SERVICES.values()
        if one.get("image") == "productnet" and "entrypoint" not in one
    ]
    for file in DEPLOY.iterdir():
        scripts = re.findall(
            r"^[ #]+(?:shop|productnet) ([a-z].*)$", file.read_text(), re.MULTILINE
        )
        calls += [shlex.split(script) for script in scripts]
    return calls


def test_commands_and_options_exist() -> None:
    groups: Any = get_command(app)
    calls = called()
    assert {name for name, *_ in calls} >= {"serve", "init", "import", "embed", "people"}
    for name, *arguments in calls:
        command = groups.commands[name]
        if hasattr(command, "commands"):
            command = command.commands[arguments[0]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {one for one in arguments if one.startswith("--")} <= known, name


def test_what_is_mounted_and_selected_is_there() -> None:
    claims = {one["metadata"]["name"] for one in OBJECTS if one["kind"] == "PersistentVolumeClaim"}
    for template in TEMPLATES:
        volumes = {one["name"]: one for one in template["spec"].get("volumes", [])}
        used = {
            one["persistentVolumeClaim"]["claimName"]
            for one in volumes.values()
            if "persistentVolumeClaim" in one
        }
        assert used <= claims
        for container in template["spec"]["containers"]:
            mounted = {one["name"] for one in container.get("volumeMounts", [])}
            assert mounted <= volumes.keys() | {"data"}  # which its set claims for each copy
    labels = [one["metadata"]["labels"] for one in TEMPLATES if "metadata" in one]
    for service in (one for one in OBJECTS if one["kind"] == "Service"):
        wanted = service["spec"]["selector"].items()
        assert any(wanted <= label.items() for label in labels), service["metadata"]["name"]


def test_services_wait_for_services_and_mount_what_is_there() -> None:
    named = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["volumes"]
    for one in SERVICES.values():
        assert one.get("depends_on", {}).keys() <= SERVICES.keys()
        for mount in one.get("volumes", ()):
            source = mount.split(":")[0]
            assert source in named or (DEPLOY / source).is_file()


@pytest.mark.parametrize("file", sorted(DEPLOY.iterdir()), ids=lambda file: file.name)
def test_no_password_is_written_down(file: Path) -> None:
    for line in file.read_text().splitlines():
        said = re.search(r"(?:PASSWORD|SECRET[A-Z_]*KEY|ACCESS_KEY_ID)\w*[:=] *(\S+)", line)
        assert said is None or said.group(1).startswith(("${", "…", '"$')), line
