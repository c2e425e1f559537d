"""What is sent to the model's API and what it answers, typed; the OpenAPI document shows these."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from productnet.web.problems import Problem

# Products of one request; more go in a stream.
MOST_PRODUCTS = 256

# Encoders read the first 2,000 characters of a product; TF-IDF and word models read on.
MOST_CHARACTERS = 50_000

# More fields than any project has.
MOST_FIELDS = 100

Text = Annotated[str, StringConstraints(max_length=MOST_CHARACTERS)]
Texts = Annotated[list[Text], Field(fail_fast=True)]


class Asked(BaseModel):
    """What is sent: a body of a few megabytes could be wrong in a million places.

    To tell of each would take minutes and gigabytes, so members are counted before they are looked
    at, and of a list the first that is wrong is told.
    """

    @model_validator(mode="before")
    @classmethod
    def _few(cls, sent: object) -> object:
        if isinstance(sent, dict) and len(sent) > MOST_FIELDS:
            raise PydanticCustomError(
                "too_many_fields",
                "Of {count} fields {most} at most are read; send those that the model knows",
                {"count": len(sent), "most": MOST_FIELDS},
            )
        return sent


class AskedProduct(Asked):
    """A product: its text fields by name, and its picture.

    Fields are the project's own: title, description, bullet_points, brand … A field of several
    texts, such as bullet points, may be a list.
    """

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [{"id": "B1", "title": "Red enamel mug, 350 ml", "brand": "Falcon"}],
        },
    )
    __pydantic_extra__: dict[str, Text | Texts | None]

    id: Annotated[str, StringConstraints(max_length=500)] | None = Field(
        None, description="Comes back with the answer; the product's place, from 1, when absent"
    )
    image: str | None = Field(
        None, description="The encoded picture (JPEG, PNG, WebP, GIF, BMP) in base64"
    )
    image_url: Annotated[str, StringConstraints(max_length=4_000)] | None = Field(
        None, description="Where the picture is to be had, on a public host; instead of image"
    )


class AskedProducts(Asked):
    """Products to be answered together."""

    model_config = ConfigDict(extra="forbid")

    products: list[AskedProduct] = Field(min_length=1, max_length=MOST_PRODUCTS, fail_fast=True)


class PredictedCategory(BaseModel):
    """A category that a product may be of."""

    category: str = Field(description="Its id")
    path: list[str] = Field(description="Names from the root down")
    confidence: float = Field(description="Calibrated probability, 0 to 1")


class Decision(BaseModel):
    """Whether the model is sure enough for the precision that was asked for."""

    category: str | None = Field(description="The category decided on; null where there is none")
    reason: str | None = Field(description="Why there is none")


class Result(BaseModel):
    """What is known of every answer."""

    id: str
    model: str = Field(description="The model that answered")
    error: Problem | None = Field(
        None, description="Why this product has no answer; the others have theirs"
    )


class CategorizedResult(Result):
    """The categories of one product."""

    categories: list[PredictedCategory] = Field([], description="The surest first")
    decision: Decision | None = Field(None, description="Where a precision was asked for")


class EmbeddedResult(Result):
    """The embedding of one product."""

    embedding: list[float] | None = Field(None, description="Of length one")


class Near(BaseModel):
    """A product of the pool, and how near it is."""

    product: str
    similarity: float = Field(description="Cosine, -1 to 1")
    title: str | None


class SimilarResult(Result):
    """The products nearest to one."""

    neighbours: list[Near] = Field([], description="The nearest first")


class CategorizedResults(BaseModel):
    """Answers in the order of the products."""

    results: list[CategorizedResult]


class EmbeddedResults(BaseModel):
    """Answers in the order of the products."""

    results: list[EmbeddedResult]


class SimilarResults(BaseModel):
    """Answers in the order of the products."""

    results: list[SimilarResult]


class ModelFacts(BaseModel):
    """The model that is served now."""

    model: str
    categories: int
    dimension: int
    dimensions: list[int] = Field(description="Dimensions that embeddings can be cut off at")
    fields: list[str] = Field(description="Fields that a product may have")
    reads: list[str] = Field(description="Those that the model reads, image among them")
    taxonomy: str | None
    calibrated: bool = Field(description="Whether a precision can be asked for")
    products: int | None = Field(description="Products that similar ones are looked for among")
