"""The OpenAPI document, held against the server: no 5xx, no status that it does not tell of.

``PRODUCTNET_EXAMPLES`` sets how many requests are made up for each operation.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

from productnet.portal.app import create_app
from productnet.portal.portal import Portal
from productnet.settings import Project

EXAMPLES = int(os.environ.get("PRODUCTNET_EXAMPLES", "5"))

# An open line that never ends of itself; test_live.py listens to it.
ENDLESS = "events"


@pytest.fixture(scope="module")
def api(
    embedded_shop: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[schemathesis.schemas.BaseSchema]:
    folder = tmp_path_factory.mktemp("openapi") / "shop"
    with Portal.open(Project.open(Path(shutil.copytree(embedded_shop, folder)))) as portal:
        yield schemathesis.openapi.from_asgi("/api/openapi.json", create_app(portal))


@pytest.fixture(scope="module")
def key(api: schemathesis.schemas.BaseSchema) -> str:
    """An API key that opens everything a key can."""
    portal: Portal = api.app.state.portal
    doors = portal.doors
    secret, _ = doors.keys.add(
        doors.people.get("root"), label="all", scopes=["read", "annotate", "admin"]
    )
    return secret


def test_the_server_keeps_to_its_document(
    api: schemathesis.schemas.BaseSchema, key: str, subtests: pytest.Subtests
) -> None:
    for found in api.exclude(operation_id=ENDLESS).get_all_operations():
        operation = cast(schemathesis.schemas.APIOperation, found.ok())  # type: ignore[union-attr]
        with subtests.test(operation.label):
            _hold(operation, {"Authorization": f"Bearer {key}"})


def _hold(operation: schemathesis.schemas.APIOperation, headers: dict[str, str]) -> None:
    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def check(case: schemathesis.Case) -> None:
        # A schema cannot tell which queries can be read, or which bytes are a picture.
        case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

    check()


def test_the_document_has_an_example_and_a_summary_for_what_people_do(portal: Portal) -> None:
    document = TestClient(create_app(portal)).get("/api/openapi.json").json()
    operations = [
        operation for methods in document["paths"].values() for operation in methods.values()
    ]
    assert all(operation["summary"] and operation["description"] for operation in operations)
    # Two bodies of one name would be told apart by the modules they are in.
    assert [name for name in document["components"]["schemas"] if "__" in name] == []
