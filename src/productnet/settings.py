"""A project: the folder that holds one shop's loop, and the settings kept in it.

This module knows names and values only. What lives behind each path is opened by the package
that owns it: the pool by ``catalog``, decisions by ``annotation``, and so on.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tomlkit
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tomlkit.items import Table

from productnet.errors import ProjectError, SettingsError, did_you_mean
from productnet.files import write_atomically
from productnet.locations import Location, location

FORMAT_VERSION = 1

# Where a project keeps its products, unless they are elsewhere.
POOL_FOLDER = "pool.lance"

# Paper section 2.2: four free-text fields and three keyword fields.
PAPER_FIELDS = (
    "title",
    "description",
    "bullet_points",
    "brand",
    "search_keywords",
    "subject_keywords",
    "attribute_keywords",
)

Positive = Annotated[int, Field(gt=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CatalogSettings(_Section):
    """What a product has, and how a feed's columns fill it."""

    fields: tuple[str, ...] = Field(PAPER_FIELDS, description="Text fields of a product, in order")
    mapping: dict[str, str] = Field(
        default_factory=dict, description="Field to feed column, beside the well-known names"
    )


class ImageSettings(_Section):
    """Limits on the images that are let in; product images are untrusted."""

    max_bytes: Positive = Field(20_000_000, description="Largest image file accepted, in bytes")
    max_pixels: Positive = Field(64_000_000, description="Most pixels an image may decode to")
    max_side: Positive = Field(1024, description="Stored images are scaled down to this side")
    thumbnail_side: Positive = Field(256, description="Longest side of a thumbnail, in pixels")
    timeout: float = Field(20.0, gt=0, description="Seconds to wait for one image URL")
    retries: int = Field(3, ge=0, description="Further attempts at an image URL that failed")
    concurrency: Positive = Field(16, description="Image URLs fetched at the same time")
    private_hosts: tuple[str, ...] = Field(
        (), description="Hosts of a private network that a pasted image URL may name"
    )


class EncoderSettings(_Section):
    """The pretrained encoders that start the loop (paper section 2.3)."""

    image: str = Field("efficientnet-lite0", description="Image encoder")
    text: str = Field("minilm", description="Text encoder")
    dimension: Positive = Field(256, description="Dimension of the initial embedding, after PCA")


class TargetSettings(_Section):
    """When a leaf is done (paper section 2.1)."""

    positives: Positive = Field(60, description="Gold positives wanted of each leaf")
    hard_negatives: Positive = Field(60, description="Hard negatives wanted of each leaf")


class CostSettings(_Section):
    """Seconds a person spends, for modelled labelling time (paper section 3.3)."""

    label_seconds: float = Field(3.0, gt=0, description="Seconds of one labeler decision")
    audit_seconds: float = Field(2.0, gt=0, description="Seconds of one audit decision")


class WorkflowSettings(_Section):
    """How people's answers are watched."""

    check_share: float = Field(
        0.02, ge=0, lt=1, description="Share of candidates that are check items: answers known"
    )
    pause_seconds: float = Field(
        120.0, gt=0, description="An answer that took longer was interrupted; speeds leave it out"
    )


class CandidateSettings(_Section):
    """How candidates are found (paper section 2.1)."""

    exact_up_to: Positive = Field(
        1_000_000,
        description="Most products that are all scored for a leaf; in a larger pool, those near "
        "its positives and some by chance",
    )
    local_model: str = Field(
        "logistic-regression", description="Kind of local model that active and mixed ask"
    )


class MasterSettings(_Section):
    """The master model that a round trains."""

    preset: str = Field("fast", description="Preset of the master model")
    image: str | None = Field(
        None, description="Image encoder of the master model, instead of the preset's own"
    )
    dimension: Positive = Field(256, description="Dimension of the product embedding")
    test_share: float = Field(
        0.2, gt=0, lt=1, description="Share of gold kept apart to evaluate a round"
    )
    folds: Positive | None = Field(
        None, description="Parts that gold is calibrated by; 5 by itself, where that is quick"
    )


class InspectionSettings(_Section):
    """From where on ``productnet inspect`` holds something for a flaw."""

    suspected: float = Field(
        0.5, gt=0, lt=1, description="Gold is told of that is likelier wrong than this"
    )
    confusable: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="Two leaves are told of when a larger share of one is surely taken for the "
        "other",
    )
    narrow: float = Field(
        0.5, gt=0, lt=1, description="A leaf is told of when less of what looks like it is covered"
    )


class ReleaseSettings(_Section):
    """What a release says of itself, and how much it tells of people."""

    validation_share: float = Field(
        0.0, ge=0, lt=1, description="Share of gold on a validation side, beside the test side"
    )
    provenance: Literal["none", "pseudonyms", "full"] = Field(
        "pseudonyms", description="Who decided: nothing, by pseudonym, or by name with their notes"
    )
    description: str | None = Field(None, description="What the set is for, in a few sentences")
    licence: str | None = Field(
        None, description="Licence of releases as Hugging Face names it, such as cc-by-4.0"
    )
    licence_url: str | None = Field(None, description="Where the licence can be read")
    creators: tuple[str, ...] = Field((), description="Who made the set: people, organisations")
    homepage: str | None = Field(None, description="URL under which the set is known")
    citation: str | None = Field(None, description="How to cite it, as BibTeX or a sentence")
    contact: str | None = Field(None, description="Where questions go: an address or a URL")
    takedown: str | None = Field(
        None, description="Where owners of texts and images ask for removal, and what follows"
    )
    languages: tuple[str, ...] = Field((), description="Languages of the texts, such as en")
    known_gaps: tuple[str, ...] = Field((), description="What people should know is missing")
    model_card: str | None = Field(None, description="URL of the card of a model trained on it")


class WebhookSettings(_Section):
    """How other systems are told of what happened."""

    timeout: float = Field(15.0, gt=0, description="Seconds a webhook's host has to answer")
    private_hosts: tuple[str, ...] = Field(
        (), description="Hosts of a private network that a webhook may name"
    )


class RetentionSettings(_Section):
    """How long the portal keeps what nobody decides by; answers are kept for ever."""

    activity_days: int = Field(
        730, ge=90, le=36_500, description="Days that the activity log goes back"
    )
    webhook_days: int = Field(
        30,
        ge=1,
        le=36_500,
        description="Days that a webhook's message is listed after it arrived or was given up",
    )


class SignInSettings(_Section):
    """How people come in: sessions, passwords, and a provider of OpenID Connect."""

    session_idle_hours: float = Field(
        12.0, gt=0, description="Hours after which a session that is not used is over"
    )
    session_days: float = Field(14.0, gt=0, description="Days after which every session is over")
    password_min_length: int = Field(
        10, ge=8, le=128, description="Fewest characters of a new password"
    )
    oidc_issuer: str | None = Field(
        None, description="Issuer URL of an OpenID Connect provider, which turns it on"
    )
    oidc_client_id: str | None = Field(None, description="What the provider calls this portal")
    oidc_client_secret_env: str = Field(
        "PRODUCTNET_OIDC_SECRET",
        description="Environment variable that holds the client secret; it is never in this file",
    )
    oidc_scopes: tuple[str, ...] = Field(
        ("openid", "profile", "email"), description="Scopes asked of the provider"
    )
    oidc_name_claim: str = Field(
        "preferred_username",
        description="Claim that holds a person's name; of an e-mail "
        "address, what stands before the @",
    )
    oidc_roles_claim: str | None = Field(
        None, description="Claim that lists a person's groups; roles are kept here when not set"
    )
    oidc_roles: dict[str, str] = Field(
        default_factory=dict, description="Group at the provider to role here"
    )
    oidc_new_people: bool = Field(
        False, description="Whether whoever the provider knows gets an account at first sign-in"
    )
    oidc_new_roles: tuple[str, ...] = Field(
        ("labeler",), description="Roles of such an account, where no claim gives them"
    )
    oidc_domains: tuple[str, ...] = Field((), description="E-mail domains let in; any when empty")


class PortalSettings(_Section):
    """The web application that people label in."""

    host: str = Field("127.0.0.1", description="Address that the portal listens on")
    port: int = Field(8400, ge=0, le=65_535, description="Port that the portal listens on")
    public_url: str | None = Field(
        None, description="Address under which browsers reach the portal, behind a proxy"
    )
    lease_minutes: float = Field(
        5.0, gt=0, description="Minutes that a leaf stays with its labeler or auditor, renewed"
    )
    metrics_open: bool = Field(
        False, description="Whether /metrics answers without an API key of scope admin"
    )


class ServingSettings(_Section):
    """The model as a service (``productnet serve --api``)."""

    host: str = Field("127.0.0.1", description="Address that the model's API listens on")
    port: int = Field(8500, ge=0, le=65_535, description="Port that the model's API listens on")
    batch: Positive = Field(32, description="Most products that are computed together")
    wait_ms: float = Field(
        3.0, ge=0, description="Milliseconds that a product waits for others to join its batch"
    )
    patience_ms: float = Field(
        300.0,
        gt=0,
        description="Milliseconds within which a single product is computed; what could not be is "
        "refused (429)",
    )
    requests: Positive = Field(
        36, description="Most requests that are answered at the same time; more are refused (429)"
    )
    queue: Positive = Field(4_096, description="Most products that wait to be computed")
    memory_mb: Positive = Field(
        256, description="Megabytes of features kept for products that are asked about again"
    )
    requests_mb: Positive = Field(
        256, description="Megabytes of requests that are read or answered at the same time"
    )


class EngineSettings(_Section):
    """Where the commands run that go over many products (docs/scale.md)."""

    name: str = Field("local", description="Engine: local, or ray for a cluster")
    address: str | None = Field(
        None, description="Address of a Ray cluster; without one, workers are started here"
    )
    workers: Positive | None = Field(
        None, description="Ray workers, a processor each; as many as there are when absent"
    )


class Settings(_Section):
    """Everything ``productnet.toml`` can say. Unknown keys are refused."""

    format_version: int = Field(FORMAT_VERSION, description="Format of this project folder")
    name: str = Field("products", description="Name of the project, used in reports and releases")
    seed: int = Field(0, description="Seed of everything random")
    database_url: str | None = Field(
        None, description="SQLAlchemy URL of the decision database; decisions.db when absent"
    )
    pool_url: str | None = Field(
        None,
        description="Where products are kept, as s3://BUCKET/pool.lance; pool.lance when absent",
    )
    catalog: CatalogSettings = CatalogSettings()
    images: ImageSettings = ImageSettings()
    encoders: EncoderSettings = EncoderSettings()
    targets: TargetSettings = TargetSettings()
    cost: CostSettings = CostSettings()
    workflow: WorkflowSettings = WorkflowSettings()
    candidates: CandidateSettings = CandidateSettings()
    master: MasterSettings = MasterSettings()
    inspection: InspectionSettings = InspectionSettings()
    release: ReleaseSettings = ReleaseSettings()
    webhooks: WebhookSettings = WebhookSettings()
    retention: RetentionSettings = RetentionSettings()
    sign_in: SignInSettings = SignInSettings()
    portal: PortalSettings = PortalSettings()
    serving: ServingSettings = ServingSettings()
    engine: EngineSettings = EngineSettings()


@dataclass(frozen=True)
class Project:
    """A project folder: its settings and the place of everything in it."""

    root: Path
    settings: Settings

    SETTINGS_FILE = "productnet.toml"

    @classmethod
    def create(cls, root: Path, settings: Settings) -> "Project":
        """Make the folder and write its settings; raises ProjectError where one exists."""
        if (root / cls.SETTINGS_FILE).exists():
            raise ProjectError(f"{root} is a ProductNet project already. Choose another folder.")
        root.mkdir(parents=True, exist_ok=True)
        write_atomically(root / cls.SETTINGS_FILE, settings_to_toml(settings))
        return cls(root, settings)

    @classmethod
    def open(cls, root: Path) -> "Project":
        """Open a folder; raises ProjectError or SettingsError with what to do about it."""
        file = root / cls.SETTINGS_FILE
        if not file.is_file():
            raise ProjectError(
                f"{root.resolve()} is not a ProductNet project: it has no {cls.SETTINGS_FILE}. "
                "Make one with `productnet init DIR`, or name it with --project DIR."
            )
        settings = settings_from_toml(file.read_bytes(), source=str(file))
        if settings.format_version != FORMAT_VERSION:
            raise ProjectError(
                f"{root} has project format {settings.format_version}; this version of "
                f"ProductNet reads format {FORMAT_VERSION}."
            )
        return cls(root, settings)

    @property
    def taxonomy_path(self) -> Path:
        """The frozen copy of the taxonomy."""
        return self.root / "taxonomy.json"

    @property
    def guidelines_path(self) -> Path:
        """What belongs in each category, editable by people."""
        return self.root / "guidelines"

    @property
    def pool_path(self) -> Location:
        """The Lance table of all products: in the folder, or where ``pool_url`` says.

        Raises UsageError if ``pool_url`` names no place that can be used.
        """
        place = location(self.settings.pool_url or POOL_FOLDER)
        return self.root / place if isinstance(place, Path) else place

    @property
    def keeps_pool(self) -> bool:
        """Whether the products are in the folder, and go where it goes."""
        return self.settings.pool_url is None

    @property
    def imported_labels_path(self) -> Path:
        """Labels that feeds brought, before they become decisions."""
        return self.root / "imported-labels.parquet"

    @property
    def import_errors_path(self) -> Path:
        """Rows of the last import that could not be used, with their reasons."""
        return self.root / "import-errors.parquet"

    @property
    def features_path(self) -> Path:
        """Cached outputs of frozen encoders."""
        return self.root / "features"

    @property
    def embeddings_path(self) -> Path:
        """One folder an embedding set."""
        return self.root / "embeddings"

    @property
    def near_duplicates_path(self) -> Path:
        """Which products are near-duplicates, and the signatures that told."""
        return self.root / "near-duplicates"

    @property
    def keyword_index_path(self) -> Path:
        """The Tantivy index behind keyword search."""
        return self.root / "keyword-index"

    @property
    def terms_path(self) -> Path:
        """The words of every product as a TF-IDF matrix."""
        return self.root / "terms"

    @property
    def zero_shot_path(self) -> Path:
        """The leaves that products fit by name, before there are labels."""
        return self.root / "zero-shot"

    @property
    def models_path(self) -> Path:
        """One folder a round."""
        return self.root / "models"

    def round_path(self, number: int) -> Path:
        """The folder of one round: its gold, model, metrics and recommendations."""
        return self.models_path / round_name(number)

    @property
    def releases_path(self) -> Path:
        """One folder a release."""
        return self.root / "releases"

    @property
    def inspection_path(self) -> Path:
        """What ``productnet inspect`` found last."""
        return self.root / "inspection.json"

    @property
    def reports_path(self) -> Path:
        """Reports, one HTML page each."""
        return self.root / "reports"

    @property
    def reference_path(self) -> Path:
        """Reference labels, for simulation and evaluation only; nothing else may open this."""
        return self.root / "reference.parquet"

    @property
    def database_url(self) -> str:
        """Where decisions are kept, as a SQLAlchemy URL."""
        return self.settings.database_url or f"sqlite:///{self.decisions_path}"

    @property
    def decisions_path(self) -> Path:
        """The SQLite file of decisions, unless ``database_url`` is set."""
        return self.root / "decisions.db"

    @property
    def active_path(self) -> Path:
        """The one file that says which round and embedding set are in use; replaced whole."""
        return self.root / "active.json"


def round_name(number: int) -> str:
    """``round-0007`` for 7: the name of a round's folder, embedding set and model version."""
    return f"round-{number:04d}"


def settings_from_toml(text: bytes | str, *, source: str) -> Settings:
    """Settings from TOML; raises SettingsError naming ``source``, the key and its value."""
    try:
        decoded = text if isinstance(text, str) else text.decode()
        return Settings.model_validate(tomllib.loads(decoded))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{source} is not valid TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            hint = did_you_mean(key, [name for name, _ in described_settings()])
            raise SettingsError(f'{source}: there is no setting "{key}". {hint}'.rstrip()) from None
        raise SettingsError(
            f"{source}: setting {key} is {first['input']!r}: {first['msg'].lower()}."
        ) from None


def described_settings() -> Iterable[tuple[str, str]]:
    """Every setting with its help, as ``section.key``; the docs and error hints are made of it."""
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            for key, inner in section.model_fields.items():
                yield f"{name}.{key}", inner.description or ""
        else:
            yield name, field.description or ""


def settings_to_toml(settings: Settings) -> str:
    """The settings as TOML, each commented with its help, so that the file explains itself."""
    document = tomlkit.document()
    help_of = dict(described_settings())
    for name, value in settings.model_dump(mode="json").items():
        if name in help_of:
            _add(document, name, value, help_text=help_of[name])
            continue
        section = tomlkit.table()
        for key, inner in value.items():
            _add(section, key, inner, help_text=help_of[f"{name}.{key}"])
        document.add(tomlkit.nl())
        document.add(name, section)
    return tomlkit.dumps(document)


def _add(place: tomlkit.TOMLDocument | Table, key: str, value: object, *, help_text: str) -> None:
    place.add(tomlkit.comment(help_text))
    if value is None:
        # TOML has no null: what is not set is shown as a comment.
        place.add(tomlkit.comment(f'{key} = ""'))
    else:
        place.add(key, value)
