"""The OpenAPI document: bodies that the framework does not read itself, described all the same."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from productnet.serving.api.bodies import AskedProduct, AskedProducts
from productnet.serving.api.reading import FORM, JSON, NDJSON

_SCHEMAS = "#/components/schemas/"


def body_of_products(result: type[BaseModel]) -> dict[str, Any]:
    """What an operation on products says of its request, and of the answer to a stream."""
    one = {"$ref": f"{_SCHEMAS}{AskedProduct.__name__}"}
    form = {
        "type": "object",
        "description": "One product: its fields, and its picture as a file.",
        "properties": {
            "id": {"type": "string"},
            "title": {"type": "string"},
            "image": {"type": "string", "contentMediaType": "image/jpeg"},
        },
        "additionalProperties": {"type": "string"},
    }
    return {
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": {"$ref": f"{_SCHEMAS}{AskedProducts.__name__}"}},
                NDJSON: {"schema": one},
                FORM: {"schema": form},
            },
        },
        "responses": {
            "200": {
                "content": {NDJSON: {"schema": {"$ref": f"{_SCHEMAS}{result.__name__}"}}},
            }
        },
    }


def document(app: FastAPI) -> dict[str, Any]:
    """The whole document, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            routes=app.routes,
        )
        _, read = models_json_schema(
            [(AskedProducts, "validation")], ref_template=f"{_SCHEMAS}{{model}}"
        )
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(read["$defs"])
        made["components"]["securitySchemes"] = {
            "key": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key of scope read, where the project has accounts.",
            }
        }
        made["security"] = [{}, {"key": []}]
        app.openapi_schema = made
    return app.openapi_schema
