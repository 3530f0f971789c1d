"""
JSON over HTTP, as a source definition says: VNF managers, inventories, points of presence.

A definition names the replies; here stands how the service is reached and who
we are to it. Where the definition knows of notifications and the settings say
where we can be called, the service is asked to tell of changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, FilePath, SecretStr, field_validator, model_validator

from congresslite.config.units import Seconds, Size
from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.sources.calls import Bounds, DefinedService
from congresslite.sources.definitions import Definition
from congresslite.sources.driver import Wake, Watch
from congresslite.sources.http import MAX_BYTES
from congresslite.sources.httpauth import Auth, ClientCredentials, Fixed, Keystone
from congresslite.sources.httpclient import HttpClient, Options
from congresslite.sources.subscriptions import Callback, Subscriptions


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NoAuth(_Model):
    """Whoever asks is answered."""

    type: Literal["none"] = "none"


class BasicAuth(_Model):
    """A user and a password."""

    type: Literal["basic"]
    username: str
    password: SecretStr


class BearerAuth(_Model):
    """A token that does not change."""

    type: Literal["bearer"]
    token: SecretStr


class OAuth2Auth(_Model):
    """OAuth 2.0 client credentials."""

    type: Literal["oauth2"]
    token_url: str = Field(description="Where tokens are given out.")
    client_id: str
    client_secret: SecretStr
    scope: str | None = Field(default=None, description="What the token is to be good for.")


class KeystoneAuth(_Model):
    """OpenStack Identity: a user, or an application credential. Its catalogue knows the address of the service."""

    type: Literal["keystone"]
    auth_url: str = Field(description="The address of Keystone, with its version or without.")
    username: str | None = None
    password: SecretStr | None = None
    user_domain: str = Field(default="Default", description="The name of the user's domain.")
    project: str | None = Field(default=None, description="The project's name; without it, the whole system.")
    project_domain: str = Field(default="Default", description="The name of the project's domain.")
    application_credential_id: str | None = None
    application_credential_secret: SecretStr | None = None
    service: str | None = Field(default=None, description="The service's type; that of the definition by default.")
    region: str | None = Field(default=None, description="The region; the first that the catalogue has by default.")
    interface: Literal["public", "internal", "admin"] = Field(default="public", description="Which of its addresses.")
    roles: tuple[str, ...] = Field(
        default=("admin",), description="The roles that see all projects, of which the user needs one; [] to not look."
    )

    @model_validator(mode="after")
    def _one_way(self) -> KeystoneAuth:
        user = (self.username, self.password)
        application = (self.application_credential_id, self.application_credential_secret)
        if (None in user) == (None in application):
            raise ValueError("give either username and password, or application_credential_id and its secret")
        return self


class Tls(_Model):
    """Whom we trust, and who we are."""

    verify: bool = Field(default=True, description="Whether the service's certificate must be trusted.")
    ca: FilePath | None = Field(default=None, description="The certificates of those who are trusted, PEM.")
    certificate: FilePath | None = Field(default=None, description="Our certificate, PEM.")
    key: FilePath | None = Field(default=None, description="Its key; in the same file by default.")


class CallbackSettings(_Model):
    """Where the service reaches us, and how it logs in there."""

    url: str = Field(description="Our server's address for it: https://HOST:PORT/v1/sources/NAME/hooks/notify")
    username: str | None = None
    password: SecretStr | None = None


class Settings(_Model):
    """What the driver wants to know."""

    url: str | None = Field(default=None, description="The address of the service.")
    auth: Annotated[NoAuth | BasicAuth | BearerAuth | OAuth2Auth | KeystoneAuth, Field(discriminator="type")] = Field(
        default=NoAuth(), description="Who we are to the service."
    )
    tls: Tls = Field(default=Tls(), description="Whom we trust, and who we are.")
    headers: Mapping[str, SecretStr] = Field(default={}, description="Headers of every request.")
    proxy: SecretStr | None = Field(default=None, description="The address of a proxy between us and the service.")
    timeout: Seconds = Field(
        default=30, gt=0, description="The longest wait for a connection, and for more of a reply."
    )
    max_bytes: Size = Field(default=MAX_BYTES, gt=0, description="The biggest reply, decompressed.")
    max_total_bytes: Size = Field(default=Bounds().bytes, gt=0, description="All replies of one pull taken together.")
    max_pages: int = Field(default=Bounds().pages, gt=0, description="The most pages of one reply.")
    rate: float | None = Field(default=None, gt=0, description="The most requests a second.")
    retries: int = Field(default=3, ge=0, le=10, description="How often a request that failed is made again.")
    subscribe: bool = Field(default=True, description="Whether to ask the service to tell of changes, if it can.")
    callback: CallbackSettings | None = Field(default=None, description="Where the service reaches us.")

    @field_validator("url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "http://localhost")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an address is expected, like `https://HOST:PORT`")
        if "@" in parts.netloc:
            raise ValueError("user and password belong into `auth`")
        if parts.query or parts.fragment:
            raise ValueError("the address of the service has no query")
        return value

    @model_validator(mode="after")
    def _reachable(self) -> Settings:
        if self.url is None and not isinstance(self.auth, KeystoneAuth):
            raise ValueError("`url` is missing: only Keystone's catalogue could tell it")
        return self


class RestDriver(DefinedService):
    """Reads one service over HTTP."""

    def __init__(self, source: str, settings: Settings, definition: Definition) -> None:
        self._settings = settings
        self._service_type = definition.service
        self._client = self._open()
        bounds = Bounds(settings.max_pages, settings.max_total_bytes)
        super().__init__(definition.named(source), self._client, bounds)
        self._subscriptions: Subscriptions | None = None

    @property
    def called_back(self) -> bool:
        """Whether the service is asked to tell of changes: it can, and it is said where we are."""
        settings = self._settings
        return settings.callback is not None and settings.subscribe and bool(self.definition.notifications)

    def watch(self, wake: Wake) -> Watch | None:
        """Ask the service to tell of changes, if it can and if it is said where we are."""
        callback = self._settings.callback
        if callback is None or not self.called_back:
            return None
        password = None if callback.password is None else callback.password.get_secret_value()
        self._subscriptions = Subscriptions(
            self.definition, self._open(), Callback(callback.url, callback.username, password), wake
        )
        return self._subscriptions

    def notified(self, body: Any) -> None:
        """Take what came to the callback's address. It only says what to pull, so that nobody can lie with it."""
        if self._subscriptions is not None:
            self._subscriptions.notified(body)

    def close(self) -> None:
        """Close the connections."""
        if self._subscriptions is not None:
            self._subscriptions.close()
        self._client.close()

    def _open(self) -> HttpClient:
        """A client of its own, for one thread."""
        settings = self._settings
        tls = settings.tls
        certificate = None if tls.certificate is None else (str(tls.certificate), str(tls.key or tls.certificate))
        options = Options(
            url=settings.url,
            headers={name: value.get_secret_value() for name, value in settings.headers.items()},
            verify=str(tls.ca) if tls.verify and tls.ca else tls.verify,
            certificate=certificate,
            timeout=settings.timeout,
            max_bytes=settings.max_bytes,
            retries=settings.retries,
            rate=settings.rate,
            proxy=None if settings.proxy is None else settings.proxy.get_secret_value(),
        )
        return HttpClient(options, auth_of(settings.auth, self._service_type))


def auth_of(settings: NoAuth | BasicAuth | BearerAuth | OAuth2Auth | KeystoneAuth, service: str | None) -> Auth:
    """What logs us in as these settings say; `service` is what Keystone's catalogue calls whoever is asked."""
    match settings:
        case NoAuth():
            return Fixed()
        case BasicAuth():
            return Fixed.basic(settings.username, settings.password.get_secret_value())
        case BearerAuth():
            return Fixed.bearer(settings.token.get_secret_value())
        case OAuth2Auth():
            secret = settings.client_secret.get_secret_value()
            return ClientCredentials(settings.token_url, settings.client_id, secret, settings.scope)
        case KeystoneAuth():
            return Keystone(
                settings.auth_url,
                _identity(settings),
                _scope(settings),
                service=settings.service or service,
                region=settings.region,
                interface=settings.interface,
                roles=settings.roles,
            )


def _identity(settings: KeystoneAuth) -> dict[str, Any]:
    """Who we are, in Keystone's words."""
    if settings.application_credential_secret is not None:
        secret = settings.application_credential_secret.get_secret_value()
        credential = {"id": settings.application_credential_id, "secret": secret}
        return {"methods": ["application_credential"], "application_credential": credential}
    assert settings.password is not None
    user = {
        "name": settings.username,
        "domain": {"name": settings.user_domain},
        "password": settings.password.get_secret_value(),
    }
    return {"methods": ["password"], "password": {"user": user}}


def _scope(settings: KeystoneAuth) -> dict[str, Any] | None:
    """What we want to see, in Keystone's words. An application credential has a scope of its own."""
    if settings.application_credential_id is not None:
        return None
    if settings.project is None:
        return {"system": {"all": True}}
    return {"project": {"name": settings.project, "domain": {"name": settings.project_domain}}}


def open_driver(source: str, settings: Settings, definition: Definition) -> RestDriver:
    """The driver of a source. Raises SourceError for a definition without replies."""
    if not definition.replies:
        message = f"the definition of source `{source}` has no replies that could be asked for over HTTP"
        hint = "give it `replies`, or read the source with another driver"
        raise SourceError(Diagnostic("CL479", message, place=str(definition.path), hint=hint))
    return RestDriver(source, settings, definition)
