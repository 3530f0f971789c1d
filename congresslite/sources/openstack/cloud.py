"""
A cloud as clouds.yaml describes it: who we are to it, and where its services are.

OpenStack's own libraries read the file, log in and renew tokens, so that every
way of logging in that they know can be used. What is asked with a token goes
over our own HTTP, with its bounds; the log-in is held to the same deadline.

The rule to keep: only who sees all projects sees the estate. Some services give
a user without that right his own objects without a word, and fewer rows than
there are would be taken for the truth; so the roles are looked at first.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml
from keystoneauth1 import exceptions as refusals
from keystoneauth1.session import Session
from openstack.config.cloud_region import CloudRegion
from openstack.config.loader import CONFIG_FILES, OpenStackConfig

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.diagnostics.suggest import listing, near_or_listed
from congresslite.sources.cutoff import CutAdapter, cut_at
from congresslite.sources.driver import Deadline
from congresslite.sources.http import MAX_BYTES, HttpReply, first_words, shown
from congresslite.sources.httpauth import Post
from congresslite.sources.httpclient import HttpClient, Options
from congresslite.sources.httpfaults import fault


@dataclass(frozen=True, slots=True)
class Place:
    """One service of one cloud: how the cloud is called, in which file, and whom the service must know us as."""

    cloud: str
    service: str  # its type in the catalogue
    file: Path | None = None  # None: where OpenStack's own tools look
    region: str | None = None
    interface: str | None = None
    roles: tuple[str, ...] = ("admin",)  # with any of these, all projects are seen; none: do not look


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of each request, see `httpclient.Options`."""

    timeout: float = 30.0
    max_bytes: int = MAX_BYTES
    retries: int = 3
    rate: float | None = None
    proxy: str | None = field(default=None, repr=False)


class CloudService:
    """Speaks to one service of a cloud: an `Http`. The file is read when something is asked for the first time."""

    def __init__(self, place: Place, limits: Limits) -> None:
        self._place = place
        self._limits = limits
        self._client: HttpClient | None = None
        self._session: Session | None = None

    def get(self, path: str, headers: Mapping[str, str], deadline: Deadline) -> HttpReply:
        """The reply to GET, see `Http`."""
        try:
            if self._client is None:
                self._client = self._opened()
            return self._client.get(path, headers, deadline)
        except SourceError as error:
            if any(each.code in _MENDED_IN_FILE for each in error.diagnostics):
                self.close()  # the file is read anew at the next attempt
            raise

    def close(self) -> None:
        """Give back the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._session is not None:
            self._session.session.close()
            self._session = None

    def _opened(self) -> HttpClient:
        region = read_cloud(self._place)
        self._session = session = bounded_session(region, self._limits)
        options = Options(
            url=region.get_endpoint(self._place.service),  # where the file says so; the catalogue otherwise
            verify=True if session.verify is None else session.verify,
            certificate=(session.cert, session.cert) if isinstance(session.cert, str) else session.cert,
            timeout=self._limits.timeout,
            max_bytes=self._limits.max_bytes,
            retries=self._limits.retries,
            rate=self._limits.rate,
            proxy=self._limits.proxy,
        )
        return HttpClient(options, Login(self._place, region, session, self._limits.timeout))


def bounded_session(region: CloudRegion, limits: Limits) -> Session:
    """A session of a cloud, with bounds of time (see `cut_at`) and size, that follows nobody elsewhere."""
    session = region.get_session()
    session.session.trust_env = False
    session.redirect = False  # or else a password could be sent on to wherever an answer points
    if limits.proxy is not None:
        session.session.proxies = {"http": limits.proxy, "https": limits.proxy}
    for scheme in ("http://", "https://"):
        session.session.mount(scheme, _BoundedAdapter())
    return session


# What is warned of is the same for all threads: without turns, one would let another's warnings through.
_WARNING = threading.Lock()
_MOST_OF_A_TOKEN = 16 * 1024 * 1024  # bytes

# Findings that a change of clouds.yaml may mend.
_MENDED_IN_FILE = ("CL530", "CL531", "CL532", "CL533")


class _BoundedAdapter(CutAdapter):
    """For the log-in: ends at the deadline, and reads no more than a token and a catalogue can need."""

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        """The response, with all of its body read."""
        response = super().send(*args, **kwargs)
        body = response.raw.read(_MOST_OF_A_TOKEN + 1, decode_content=True)
        response.close()
        if len(body) > _MOST_OF_A_TOKEN:
            message = f"the reply to the log-in is bigger than {_MOST_OF_A_TOKEN} bytes"
            hint = "see to `auth_url` in clouds.yaml: is this OpenStack Identity?"
            raise SourceError(Diagnostic("CL473", message, place=shown(response.url), hint=hint))
        response.raw = io.BytesIO(body)
        return response


class Login:
    """Who we are to a cloud: an `Auth` whose tokens are keystoneauth's."""

    def __init__(self, place: Place, region: CloudRegion, session: Session, timeout: float) -> None:
        self._place = place
        self._region = region
        self._session = session
        self._timeout = timeout

    def headers(self, post: Post, deadline: Deadline) -> Mapping[str, str]:
        """The token, asked for if there is none that is still good. Raises SourceError."""
        with self._asking(deadline):
            headers = self._session.get_auth_headers()
            access = getattr(self._session.auth, "get_access", None)
            if access is not None:
                self._check_roles(access(self._session))
        return {str(name): str(value) for name, value in (headers or {}).items()}

    def renew(self) -> bool:
        """Forget the token; whether another one can be asked for."""
        return self._session.invalidate()

    def address(self, post: Post, deadline: Deadline) -> str | None:
        """The address that the catalogue gives for the service. Raises SourceError."""
        place = self._place
        interface = self._region.get_interface(place.service) or "public"
        region = self._region.get_region_name(place.service)
        with self._asking(deadline):
            found = self._session.get_endpoint(
                service_type=place.service, interface=interface, region_name=region, skip_discovery=True
            )
            if found:
                return str(found)
            raise refusals.EndpointNotFound

    def _check_roles(self, access: Any) -> None:
        """Raise SourceError (CL533) for a user who does not see all projects."""
        roles = set(access.role_names)
        if not self._place.roles or roles & set(self._place.roles):
            return
        where = f"in project `{access.project_name}`" if access.project_name else "here"
        has = f"has only {listing(sorted(roles))}" if roles else "has no role"
        message = f"`{access.username}` {has} {where}, and so does not see the objects of all projects"
        wanted = listing(self._place.roles)
        hint = f"give the user {wanted}, or name in `roles` what lets a user see all projects in this cloud"
        raise SourceError(Diagnostic("CL533", message, place=self._name, hint=hint))

    @property
    def _name(self) -> str:
        return f"cloud `{self._place.cloud}`"

    @contextmanager
    def _asking(self, deadline: Deadline) -> Iterator[None]:
        """Ask the Identity service within the deadline, and tell what it refuses as findings."""
        self._session.timeout = deadline.left(self._timeout)
        try:
            with cut_at(deadline):
                yield
        except refusals.EndpointNotFound:
            raise self._not_listed() from None
        except (refusals.Unauthorized, refusals.Forbidden, refusals.MissingAuthMethods) as error:
            raise self._refused(f"the log-in was refused: `{first_words(str(error))}`") from None
        except refusals.HttpError as error:
            raise self._silent(f"it answered with status {error.http_status}") from None
        except refusals.ConnectionError as error:
            deadline.left()
            raise self._silent(fault(error, self._auth_url, self._timeout)[0].diagnostics[0].message) from None
        except (refusals.ClientException, LookupError, TypeError, AttributeError, ValueError):
            # The library trusts the shape of what it is given: anything may come of an answer that is shaped otherwise.
            raise self._silent("what it answered is no token of OpenStack's") from None
        except Exception as error:
            if type(error) is not Exception:
                raise
            # By a plain one the library says what clouds.yaml lacks.
            raise self._refused(f"there can be no log-in: `{first_words(str(error))}`") from None

    def _refused(self, message: str) -> SourceError:
        """The finding that we are not who we should be."""
        hint = "see to user, project and password, or to the application credential, in clouds.yaml"
        return SourceError(Diagnostic("CL531", message, place=self._name, hint=hint))

    def _silent(self, why: str) -> SourceError:
        """The finding that there is nobody to give us a token."""
        message = f"OpenStack Identity at `{self._auth_url}` cannot be asked: {why}"
        hint = "see to `auth_url` in clouds.yaml, and whether Keystone runs; it is asked again at the next pull"
        return SourceError(Diagnostic("CL534", message, place=self._name, hint=hint))

    @property
    def _auth_url(self) -> str:
        return shown(str(self._region.config.get("auth", {}).get("auth_url", "?")))

    def _not_listed(self) -> SourceError:
        """The finding that the catalogue lacks the service, or lacks it there."""
        place = self._place
        catalog = self._session.auth.get_access(self._session).service_catalog  # type: ignore[union-attr]
        types = sorted({each["type"] for each in catalog.catalog if each.get("type")})
        if place.service in types:
            interface = self._region.get_interface(place.service) or "public"
            region = self._region.get_region_name(place.service)
            message = f"the service `{place.service}` has no {interface} address in region `{region}`"
            hint = "see to `region` and `interface` of the source"
        else:
            message = f"the catalogue has no service of type `{place.service}`"
            hint = f"it has {listing(types)}" if types else "the user has no project: name one in clouds.yaml"
        return SourceError(Diagnostic("CL532", message, place=self._name, hint=hint))


def read_cloud(place: Place) -> CloudRegion:
    """What clouds.yaml says of a cloud. Raises SourceError (CL530)."""
    file = place.file or next((path for path in map(Path, CONFIG_FILES) if path.is_file()), None)
    if file is None:
        raise _unusable("clouds.yaml", "there is none where OpenStack's tools look for it", "name it: `clouds: PATH`")
    known = _names(file)
    if place.cloud not in known:
        hint = near_or_listed(place.cloud, known, "there are") or "a file has its clouds under `clouds:`"
        raise _unusable(str(file), f"there is no cloud `{place.cloud}`", hint)
    chosen: dict[str, Any] = {"region_name": place.region, "interface": place.interface}
    try:
        # Nothing of the environment: what a source is does not depend on who starts the server.
        config = OpenStackConfig(
            config_files=[str(file)],
            secure_files=[str(file.with_name("secure.yaml"))],  # passwords may lie apart
            load_envvars=False,
            app_name="congresslite",
        )
        with _WARNING, warnings.catch_warnings():
            # It warns that its own support for a data base of metrics will go, whether that is used or not.
            warnings.simplefilter("ignore", PendingDeprecationWarning)
            return config.get_one(place.cloud, **{key: value for key, value in chosen.items() if value is not None})
    except Exception as error:
        # The library trusts the shape of what it reads: anything may come of a cloud that is shaped otherwise.
        message = f"cloud `{place.cloud}` cannot be used: {first_words(str(error))}"
        raise _unusable(str(file), message, "compare it with the documentation of openstacksdk") from None


def _names(file: Path) -> list[str]:
    """The names of the clouds in a file, which OpenStack's library would pass over where it cannot be read."""
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise _unusable(str(file), f"it cannot be read: {(error.strerror or '').lower()}", "see to `clouds`") from None
    except (yaml.YAMLError, ValueError) as error:
        # Only where: the text around it may be a password.
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f":{mark.line + 1}"
        raise _unusable(f"{file}{line}", "this is no YAML", "mind the indentation and the quotes") from None
    clouds = read.get("clouds") if isinstance(read, dict) else None
    return sorted(map(str, clouds)) if isinstance(clouds, dict) else []


def _unusable(where: str, message: str, hint: str) -> SourceError:
    return SourceError(Diagnostic("CL530", message, place=where, hint=hint))
