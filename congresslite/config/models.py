"""
The configuration as values: every key with its type, its default and one line of help.

Unknown keys are errors. Times are seconds or `30s`, `5m`, `2h`, `90d`; sizes are
bytes or `10MB`. A text may be given as `{env: NAME}` or `{file: PATH}` instead,
so that no secret has to stand in the file.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from congresslite.config.enforcement import EnforcementSettings
from congresslite.config.lifecycle import LifecycleSettings
from congresslite.config.section import Section, own_settings
from congresslite.config.units import Seconds, Size

Role = Literal["viewer", "author", "operator", "admin"]

SOURCE_NAME = r"^[A-Za-z_][\w.-]*$"
_LISTEN = re.compile(r"(\[[0-9A-Fa-f:.%\w]+\]|[^\s\[\]:/]+):(\d{1,5})", re.ASCII)


def _listen(value: object) -> object:
    match = _LISTEN.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[2]) > 65535:
        raise ValueError("should be an address and a port, written as `127.0.0.1:8181` or `[::1]:8181`")
    return value


def _required(value: object) -> object:
    known = {"auto": "auto", "true": True, "false": False}
    found = known.get(str(value).lower())
    if found is None:
        raise ValueError("should be `auto`, `true` or `false`")
    return found


class TlsSettings(Section):
    """A certificate and its key; both files are PEM."""

    certificate: Path = Field(description="The certificate, with those that lead to its authority.")
    key: Path = Field(description="The certificate's private key.")


class ServerSettings(Section):
    """How the server listens, and what it bears."""

    listen: Annotated[str, BeforeValidator(_listen)] = Field(default="127.0.0.1:8181", description="Address and port.")
    threads: int = Field(default=16, ge=1, le=512, description="Requests that are answered at the same time.")
    streams: int = Field(default=64, ge=0, le=4096, description="Event streams that are open at the same time.")
    tls: TlsSettings | None = Field(default=None, description="Serve HTTPS with this certificate.")
    body_limit: Size = Field(default=64_000_000, description="The biggest body of a request.")
    hosts: tuple[str, ...] = Field(default=(), description="More names that a request may call this server by.")

    @property
    def host(self) -> str:
        """The address to listen on, without brackets."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port to listen on; 0 for one that is free."""
        return int(self.listen.rpartition(":")[2])

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect."""
        try:
            return ipaddress.ip_address(self.host.partition("%")[0]).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"


class DatabaseSettings(Section):
    """Where state is kept."""

    url: SecretStr | None = Field(
        default=None,
        description="`sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`; a file in `state` by default.",
    )


class TokenSettings(Section):
    """Whoever shows this token, and what they may do."""

    name: str = Field(min_length=1, max_length=200, description="Who shows it, as the audit calls them.")
    role: Role = Field(description="What they may do.")
    tenant: str | None = Field(default=None, min_length=1, description="They see this tenant's objects only.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="The token's SHA-256; `config token` makes both.")


class OidcSettings(Section):
    """People who sign in with an OpenID provider."""

    issuer: str = Field(pattern=r"^https?://\S+$", description="The provider's address, as its tokens name it.")
    audience: str = Field(min_length=1, description="The audience that a token must be for.")
    role_claim: str = Field(default="roles", min_length=1, description="The claim that says what they may do.")
    roles: dict[str, Role] = Field(default_factory=dict, description="The role for each value of that claim.")
    tenant_claim: str | None = Field(
        default=None, min_length=1, description="The claim with their tenant; unset, all see all."
    )
    name_claim: str = Field(
        default="sub", min_length=1, description="The claim with their name, as the audit calls them."
    )
    jwks_url: str | None = Field(
        default=None, pattern=r"^https?://\S+$", description="The keys, if not where the issuer says."
    )


class AuthSettings(Section):
    """Who may use the server."""

    required: Annotated[bool | Literal["auto"], BeforeValidator(_required)] = Field(
        default="auto",
        description="Whether callers must say who they are; `auto`: unless only this machine can connect.",
    )
    tokens: tuple[TokenSettings, ...] = Field(default=(), description="Tokens that are known.")
    oidc: OidcSettings | None = Field(default=None, description="An OpenID provider.")


class SourceSettings(Section):
    """A source: what reads it, how often; what else is said are the driver's own settings."""

    driver: str = Field(min_length=1, description="What reads it: rest, openstack, sql, files, push or monitor.")
    definition: str | None = Field(default=None, description="The definition of its tables: one that ships, or a file.")
    every: Seconds = Field(default=30.0, gt=0, description="The time from one pull to the next.")
    deadline: Seconds = Field(default=60.0, gt=0, description="The longest time that a pull may take.")
    jitter: float = Field(default=0.1, ge=0, le=1, description="How much that time varies, as a part of it.")
    hold_back: int = Field(default=10, ge=0, description="Tables of this many rows are not emptied unasked; 0: always.")
    lazy: bool = Field(default=True, description="Leave tables alone that no rule reads.")
    null_as: str | None = Field(default=None, description="Spell null as this text, as Congress did.")
    settings: dict[str, Any] = Field(default_factory=dict, repr=False, description="The driver's own settings.")

    @model_validator(mode="before")
    @classmethod
    def _own(cls, value: object) -> object:
        """Keep what the driver alone knows apart from what every source has."""
        return own_settings(cls, value)


class LogKeepSettings(Section):
    """How many lines of the log are kept to be searched."""

    rows: int = Field(default=100_000, ge=0, le=10_000_000, description="At most so many lines; 0 keeps none.")
    time: Seconds = Field(default=7 * 86400.0, gt=0, description="How long a line is kept.")
    skip: tuple[str, ...] = Field(default=("congresslite.request",), description="Categories that are not kept.")


class LogSettings(Section):
    """What is told while it runs."""

    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="From this level on.")
    format: Literal["json", "console"] = Field(default="json", description="Lines of JSON, or lines for people.")
    keep: LogKeepSettings = Field(default=LogKeepSettings(), description="The lines that are kept to be searched.")


class HistorySettings(Section):
    """How long the past is kept."""

    keep: Seconds = Field(default=90 * 86400.0, description="How long resolved violations are kept.")
    snapshot_every: Seconds = Field(default=60.0, gt=0, description="How often tables are written for the next start.")


class StandbySettings(Section):
    """How one process takes the place of another that has ended."""

    enabled: bool = Field(default=False, description="Wait, instead of failing, while another process leads.")
    name: str | None = Field(
        default=None, min_length=1, max_length=200, description="What this process is called; by default, its host."
    )
    url: str = Field(
        default="", pattern=r"^$|^https?://[^\s@]+$", description="Where this process answers, to be told to others."
    )
    lease: Seconds = Field(default=10.0, ge=1, le=600, description="The silence after which a leader is replaced.")
    after_loss: Literal["exit", "standby"] = Field(
        default="exit", description="What a leader does once another one leads: end, or stand by."
    )


class ConsoleSettings(Section):
    """The console in a browser."""

    enabled: bool = Field(default=True, description="Serve the console.")
    sites: str = Field(
        default="",
        pattern=r"^$|^[^\s:]+:[^\s:]+$",
        description="The derived table (object, site) that says at which point of presence an object is.",
    )


# The name of an engine also begins the names of its tables at its parent: `pop_a:services`.
ENGINE_NAME = r"^[A-Za-z_]\w*$"
EngineName = Annotated[str, Field(pattern=ENGINE_NAME)]
# Names as rules write them.
POLICY_NAME = r"^[A-Za-z_]\w*$"
TABLE_NAME = r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$"


class PeerSettings(Section):
    """Another engine, and the secret that the two share."""

    secret: SecretStr = Field(
        min_length=1, description="What the two sign their messages with, known to these two alone."
    )


class ParentSettings(PeerSettings):
    """The engine above, and the bus to it."""

    name: EngineName = Field(description="The name of the engine above.")
    bus: SecretStr = Field(
        default=SecretStr("memory://"),
        description="`amqp://USER:PASSWORD@HOST/VHOST`, or `memory://NAME` within one process.",
    )


class PublishedColumns(Section):
    """A table that engines have agreed on."""

    columns: dict[str, Literal["str", "int", "float", "bool", "any"]] = Field(description="Its columns and types.")
    key: tuple[str, ...] = Field(default=(), description="The columns that name a row.")
    owner: str | None = Field(default=None, description="The column with the tenant that a row belongs to.")


class TranslateSettings(Section):
    """What classes of service mean here, for an engine that stands on two buses."""

    intent: str = Field(pattern=TABLE_NAME, description="Table (customer, class): what customers were promised above.")
    profile: str = Field(pattern=TABLE_NAME, description="Table (class, attribute, op, value): what a class asks for.")
    classes: dict[str, str] = Field(min_length=1, description="The word of `profile` for each class of the bus above.")
    attributes: dict[str, EngineName] = Field(
        min_length=1, description="The engine that each attribute belongs to: one of `children`, or this one."
    )
    view: str = Field(
        default="view", pattern=POLICY_NAME, description="The policy of those engines with `owns`, `on` and `attr`."
    )
    policy: str = Field(default="translated", pattern=POLICY_NAME, description="The name of the policy they are given.")


class TierSettings(Section):
    """The place of this engine in a hierarchy of engines."""

    name: EngineName = Field(description="The name of this engine, one of its kind on each of its buses.")
    level: str = Field(description="Its tier, one of `levels`.")
    levels: tuple[str, ...] = Field(
        default=("global", "region", "pop"), min_length=1, description="The tiers of the hierarchy, the top first."
    )
    parent: ParentSettings | None = Field(default=None, description="The engine above.")
    bus: SecretStr = Field(default=SecretStr("memory://"), description="The bus to the children; as that of `parent`.")
    children: dict[EngineName, PeerSettings] = Field(default_factory=dict, description="The engines below, by name.")
    tables: dict[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")], PublishedColumns] = Field(
        default_factory=dict, description="The tables that are published upward here and below, by name."
    )
    publish: dict[str, Annotated[str, Field(pattern=r"^[^\s:]+:[^\s]+$")]] = Field(
        default_factory=dict, description="For each table that this engine publishes, its own table with these columns."
    )
    lease: Seconds = Field(default=15.0, gt=0, description="The silence after which an engine is taken to be away.")
    translate: TranslateSettings | None = Field(
        default=None, description="What classes of service mean here; none where they are not translated."
    )

    @property
    def below(self) -> tuple[str, ...]:
        """The tiers below this one, the upper first."""
        return self.levels[self.levels.index(self.level) + 1 :]

    @property
    def next_below(self) -> str:
        """The tier of the children, if there is one below; else this one."""
        return next(iter(self.below), self.level)

    @model_validator(mode="after")
    def _placed(self) -> Self:
        """Refuse a place that is none, and names that would mean two things."""
        if self.level not in self.levels:
            raise ValueError(f"`level` is `{self.level}`, which is none of `levels`: {', '.join(self.levels)}")
        parent = None if self.parent is None else self.parent.name
        for child in self.children:
            if child in {self.name, parent}:
                raise ValueError(f"`{child}` cannot be a child: that is the name of this engine, or of its parent")
        if parent == self.name:
            raise ValueError(f"`{parent}` is the name of this engine, and of its parent")
        if "commands" in self.tables:
            raise ValueError("no table can be called `commands`: that has the rows of modal rules")
        for name, table in self.tables.items():
            if "pop" in table.columns:
                raise ValueError(f"`{name}` cannot have a column `pop`: that is the engine which a row comes from")
        unknown = sorted(self.publish.keys() - self.tables.keys())
        if unknown:
            raise ValueError(f"`publish` names `{unknown[0]}`, which is none of `tables`")
        return self

    @model_validator(mode="after")
    def _answered(self) -> Self:
        """Refuse a translation that nobody would be told of, or could not answer to."""
        engines = {} if self.translate is None else self.translate.attributes
        for attribute, engine in engines.items():
            if engine != self.name and engine not in self.children:
                raise ValueError(f"attribute `{attribute}` belongs to `{engine}`, which is none of `children`")
        missing = sorted({"offers", "treated"} - self.tables.keys())
        if missing and set(engines.values()) - {self.name}:
            raise ValueError(f"`tables` lack `{missing[0]}`, by which children answer what `translate` asks of them")
        return self


class MaxAffectedSettings(Section):
    """How much of the estate one change may act upon at once."""

    amount: int | None = Field(default=100, ge=0, description="At most so many objects.")
    percent: float | None = Field(default=10.0, ge=0, le=100, description="At most this share of those of their kind.")
    within: Seconds = Field(default=600.0, description="What was acted upon in this time before counts too.")


class Config(Section):
    """The whole configuration."""

    server: ServerSettings = Field(default=ServerSettings(), description="How the server listens.")
    database: DatabaseSettings = Field(default=DatabaseSettings(), description="Where state is kept.")
    state: Path = Field(default=Path("congresslite-state"), description="The folder of everything that outlives a run.")
    key: Path | None = Field(
        default=None, description="The file with the key of stored secrets; in `state` by default."
    )
    auth: AuthSettings = Field(default=AuthSettings(), description="Who may use the server.")
    policies: tuple[Path, ...] = Field(default=(), description="Files and folders of policies.")
    sources: dict[Annotated[str, Field(pattern=SOURCE_NAME)], SourceSettings] = Field(
        default_factory=dict, description="Sources by name."
    )
    log: LogSettings = Field(default=LogSettings(), description="What is told while it runs.")
    history: HistorySettings = Field(default=HistorySettings(), description="How long the past is kept.")
    console: ConsoleSettings = Field(default=ConsoleSettings(), description="The console in a browser.")
    max_affected: MaxAffectedSettings = Field(
        default=MaxAffectedSettings(), description="The blast-radius limit of commanded actions."
    )
    enforcement: EnforcementSettings = Field(
        default=EnforcementSettings(), description="How commanded actions are run, and what stops them."
    )
    lifecycle: LifecycleSettings = Field(
        default=LifecycleSettings(), description="Where the stages of objects are seen, and which there are."
    )
    standby: StandbySettings = Field(
        default=StandbySettings(), description="How another process takes over when this one ends."
    )
    tier: TierSettings | None = Field(default=None, description="The place in a hierarchy of engines; none by default.")

    @property
    def database_url(self) -> str:
        """The URL of the database. It may hold a password."""
        if self.database.url is not None:
            return self.database.url.get_secret_value()
        return f"sqlite:///{quote(str(self.state / 'congresslite.sqlite'))}"

    @property
    def key_file(self) -> Path:
        """The file with the key that the settings of sources are encrypted with."""
        return self.key or self.state / "secret.key"

    @property
    def auth_required(self) -> bool:
        """Whether callers must say who they are."""
        return not self.server.loopback if self.auth.required == "auto" else self.auth.required
