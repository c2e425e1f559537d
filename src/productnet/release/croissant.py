"""Croissant: the release described for machines, in JSON-LD.

MLCommons Croissant 1.1 (http://mlcommons.org/croissant/1.1), as ``mlcroissant`` reads it.
"""

import json
from typing import Any

import pyarrow as pa

from productnet.catalog.schema import ID, IMAGE
from productnet.release.card import PATTERN
from productnet.release.manifest import Manifest
from productnet.release.parts import TABLES
from productnet.release.rows import CATEGORY_ID
from productnet.release.splits import Side
from productnet.settings import ReleaseSettings

_NAMES = {"data": "gold", "hard_negatives": "hard_negatives"}

# https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html, appendix "JSON-LD context".
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}

_TYPES = {
    pa.string(): "sc:Text",
    pa.int64(): "cr:Int64",
    pa.int32(): "cr:Int32",
    pa.timestamp("us", tz="UTC"): "sc:DateTime",
}


def croissant(
    manifest: Manifest, schema: pa.Schema, *, settings: ReleaseSettings, description: str
) -> str:
    """The JSON-LD of a release whose tables have these columns."""
    tables = [
        table
        for table in TABLES
        if any(record.path.startswith(f"{table}/") for record in manifest.files)
    ]
    document: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": manifest.name,
        "description": settings.description or description,
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "version": manifest.version,
        "datePublished": manifest.as_of,
        "license": settings.licence_url or settings.licence or "No licence was given.",
        "url": settings.homepage or "https://example.com/not-published",
        "creator": [{"@type": "sc:Organization", "name": name} for name in settings.creators],
        "citeAs": settings.citation,
        "inLanguage": list(settings.languages),
        "isLiveDataset": False,
        "distribution": [*_files(manifest), *_sets(tables)],
        "recordSet": [_splits(manifest), *(_records(table, schema) for table in tables)],
    }
    kept = {key: value for key, value in document.items() if value not in (None, [])}
    return json.dumps(kept, indent=1, ensure_ascii=False) + "\n"


def _files(manifest: Manifest) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:FileObject",
            "@id": record.path,
            "name": record.path,
            "contentUrl": record.path,
            "contentSize": f"{record.bytes} B",
            "encodingFormat": "application/x-parquet",
            "sha256": record.sha256,
        }
        for record in manifest.files
        if record.path.split("/")[0] in TABLES
    ]


def _sets(tables: list[str]) -> list[dict[str, Any]]:
    """The files of each table, relative to the document."""
    return [
        {
            "@type": "cr:FileSet",
            "@id": f"{_NAMES[table]}-files",
            "name": f"{_NAMES[table]}-files",
            "encodingFormat": "application/x-parquet",
            "includes": PATTERN.format(table=table, side="*"),
        }
        for table in tables
    ]


def _splits(manifest: Manifest) -> dict[str, Any]:
    """The sides, as records that others refer to (Croissant 1.1, "Splits")."""
    roles = {
        Side.TRAIN: "cr:TrainingSplit",
        Side.VALIDATION: "cr:ValidationSplit",
        Side.TEST: "cr:TestSplit",
    }
    data = [
        {"sides/name": side.value, "sides/url": f"http://mlcommons.org/croissant/{role[3:]}"}
        for side, role in roles.items()
        if any(f"/{side.value}-" in record.path for record in manifest.files)
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": "sides",
        "name": "sides",
        "dataType": "cr:Split",
        "key": {"@id": "sides/name"},
        "field": [
            {"@type": "cr:Field", "@id": "sides/name", "name": "name", "dataType": "sc:Text"},
            {"@type": "cr:Field", "@id": "sides/url", "name": "url", "dataType": "sc:URL"},
        ],
        "data": data,
    }


def _records(table: str, schema: pa.Schema) -> dict[str, Any]:
    name = _NAMES[table]
    fields = [
        _field(name, column, _TYPES.get(column.type, "sc:Text"))
        for column in schema
        if column.name != IMAGE
    ]
    fields.append(_image(name))
    fields.append(_side(name))
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": {
            "gold": "Products and the leaf each belongs to.",
            "hard_negatives": "Products and a leaf each does not belong to.",
        }[name],
        "key": [{"@id": f"{name}/{ID}"}, {"@id": f"{name}/{CATEGORY_ID}"}],
        "field": fields,
    }


def _field(records: str, column: pa.Field, kind: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{records}/{column.name}",
        "name": column.name,
        "dataType": kind,
        "source": {
            "fileSet": {"@id": f"{records}-files"},
            "extract": {"column": column.name},
        },
    }


def _image(records: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{records}/{IMAGE}",
        "name": IMAGE,
        "description": "The product's main image, or nothing.",
        "dataType": "sc:ImageObject",
        "source": {
            "fileSet": {"@id": f"{records}-files"},
            "extract": {"column": IMAGE},
            "transform": {"jsonPath": "bytes"},
        },
    }


def _side(records: str) -> dict[str, Any]:
    """Which side a product is on, told by its file's path."""
    return {
        "@type": "cr:Field",
        "@id": f"{records}/side",
        "name": "side",
        "dataType": "sc:Text",
        "references": {"field": {"@id": "sides/name"}},
        "source": {
            "fileSet": {"@id": f"{records}-files"},
            "extract": {"fileProperty": "fullpath"},
            "transform": {"regex": "^.*/(train|validation|test)-[0-9]+-of-[0-9]+\\.parquet$"},
        },
    }
