"""Anything may be sent: the answer is a clear 4xx or an answer, and the service goes on.

``PRODUCTNET_EXAMPLES`` sets how many requests are made up for each operation.
"""

import base64
import json
import os
from collections.abc import Iterator
from typing import cast

import pytest
import schemathesis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

from productnet.serving.api.app import create_app
from productnet.serving.service.model_service import ModelService
from productnet.settings import Settings
from tests.integration.serving.api.conftest import HERE, picture, shared

EXAMPLES = int(os.environ.get("PRODUCTNET_EXAMPLES", "5"))

MUG = {"id": "m", "title": "large red coffee mug"}
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")

fuzzed = settings(
    max_examples=10 * EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)

NAMES = st.sampled_from(["id", "title", "brand", "image", "image_url", "titel", ""])


@fuzzed
@given(
    content=st.binary(max_size=200) | st.builds(json.dumps, JSON_VALUES).map(str.encode),
    kind=st.sampled_from(
        ["application/json", "application/x-ndjson", "multipart/form-data; boundary=b", "text/x"]
    ),
    path=st.sampled_from(["categorize", "embed", "similar"]),
)
@example(content=b'{"products":[{"title":"\\ud800"}]}', kind="application/json", path="embed")
@example(content=b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\n\xff\xfe\r\n--b--',
         kind="multipart/form-data; boundary=b", path="embed")  # fmt: skip
@example(content=b"\xef\xbb\xbf{}", kind="application/json", path="embed")
def test_bodies_of_any_bytes(client: TestClient, content: bytes, kind: str, path: str) -> None:
    answer = client.post(f"/v1/{path}", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 200 or 400 <= answer.status_code < 500, answer.text
    if answer.status_code != 200:
        assert answer.json()["detail"]


@fuzzed
@given(product=st.dictionaries(NAMES, JSON_VALUES, max_size=4))
@example(product={"title": "\x00", "brand": "\u202e" * 40})
@example(product={"title": "😀" * 3_000})
@example(product={"image": "AAAA", "title": None})
def test_products_of_anything(client: TestClient, product: dict[str, object]) -> None:
    product.pop("image_url", None)
    answer = client.post("/v1/categorize", json=None, content=_json([product, MUG]))
    assert answer.status_code in (200, 422), answer.text
    if answer.status_code == 200:
        assert answer.json()["results"][1]["error"] is None


@fuzzed
@given(
    format=st.sampled_from(FORMATS),
    cut=st.integers(0, 400),
    flips=st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 255)), max_size=12),
)
def test_pictures_that_are_damaged(
    client: TestClient, format: str, cut: int, flips: list[tuple[int, int]]
) -> None:
    data = bytearray(picture("red", format=format))
    for place, flip in flips:
        data[place % len(data)] ^= flip
    data = data[: len(data) - min(cut, len(data) - 1)]
    product = {"image": base64.b64encode(data).decode()}
    answer = client.post("/v1/categorize", content=_json([product, MUG]))
    assert answer.status_code == 200, answer.text
    bad, good = answer.json()["results"]
    assert bad["error"] is None or bad["error"]["status"] == 422
    assert good["error"] is None


def test_a_bomb_is_refused_by_its_header(client: TestClient) -> None:
    """A PNG of 60,000 by 60,000 pixels in a few bytes."""
    header = bytearray(picture("red", format="PNG"))
    header[16:24] = (60_000).to_bytes(4, "big") * 2
    import zlib

    header[29:33] = zlib.crc32(header[12:29]).to_bytes(4, "big")
    answer = client.post(
        "/v1/categorize", content=_json([{"image": base64.b64encode(header).decode()}])
    )
    assert answer.status_code == 422
    assert "pixels" in answer.json()["detail"]


@pytest.fixture(scope="module")
def api(service: ModelService) -> Iterator[schemathesis.schemas.BaseSchema]:
    app = create_app(shared(service), settings=Settings())
    yield schemathesis.openapi.from_asgi("/v1/openapi.json", app, headers={"Host": "localhost"})


def test_the_server_keeps_to_its_document(
    api: schemathesis.schemas.BaseSchema, subtests: pytest.Subtests
) -> None:
    for found in api.get_all_operations():
        operation = cast(schemathesis.schemas.APIOperation, found.ok())  # type: ignore[union-attr]
        with subtests.test(operation.label):
            _hold(operation)


def _hold(operation: schemathesis.schemas.APIOperation) -> None:
    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def check(case: schemathesis.Case) -> None:
        # A schema cannot tell which fields there are, or which bytes are a picture.
        case.call_and_validate(
            headers={"Host": "localhost"}, excluded_checks=[positive_data_acceptance]
        )

    check()


def test_the_document_describes_bodies_and_streams(client: TestClient) -> None:
    document = client.get("/v1/openapi.json").json()
    operation = document["paths"]["/v1/categorize"]["post"]
    kinds = ["application/json", "application/x-ndjson", "multipart/form-data"]
    assert list(operation["requestBody"]["content"]) == kinds
    assert "application/x-ndjson" in operation["responses"]["200"]["content"]
    product = document["components"]["schemas"]["AskedProduct"]
    assert product["examples"][0]["title"]
    assert all(
        one["summary"] and one["description"]
        for methods in document["paths"].values()
        for one in methods.values()
    )
    assert client.get("/v1/openapi.json", headers={"Host": HERE[7:]}).status_code == 200


def _json(products: list[object]) -> bytes:
    return json.dumps({"products": products}).encode()
