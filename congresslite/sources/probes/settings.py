"""
What a user says about a probe: one model for each type, and what all of them share.

Unknown keys are errors, secrets are `SecretStr`, and what was written never
stands in a message of pydantic's, for it could be a secret in a wrong place.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from congresslite.config.units import Seconds

# What would end a line of an HTTP request, or hide from whoever reads it.
_CONTROL = frozenset(map(chr, (*range(32), 127)))


Port = Annotated[int, Field(ge=1, le=65535)]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Oid = Annotated[str, Field(pattern=r"^\.?[0-9]+(\.[0-9]+)+$")]


class Model(BaseModel):
    """What all settings of probes have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Threshold(Model):
    """The condition that a probe watches: a value above or below a number or, with neither, that the probe fails."""

    above: float | None = Field(
        default=None, allow_inf_nan=False, description="Holds while the value is greater than this."
    )
    below: float | None = Field(
        default=None, allow_inf_nan=False, description="Holds while the value is less than this."
    )
    true_after: int = Field(default=3, ge=1, description="Measurements in a row that hold until the state is true.")
    false_after: int = Field(
        default=3, ge=1, description="Measurements in a row that do not hold until the state is false."
    )
    continuous: bool = Field(default=False, description="Raise the alarm anew with each measurement that holds.")

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if self.above is not None and self.below is not None:
            raise ValueError("a threshold is either `above` or `below`: make two probes of it")
        return self


class ProbeSettings(Model):
    """What is said of a probe of any type."""

    object: Name = Field(description="The object that is watched.")
    metric: Name = Field(description="The name of what is measured; one probe for each object and metric.")
    every: Seconds = Field(default=30, gt=0, le=86400, description="The time from one measurement to the next.")
    timeout: Seconds = Field(default=5, gt=0, description="The time that a measurement may take.")
    threshold: Threshold = Threshold()

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        if self.timeout > self.every:
            raise ValueError("`timeout` is longer than `every`")
        return self


class IcmpProbe(ProbeSettings):
    """Whether an address answers pings; the value is the mean round-trip time in seconds."""

    type: Literal["icmp"]
    address: Name
    count: int = Field(default=3, ge=1, le=20, description="How many pings one measurement sends.")


class TcpProbe(ProbeSettings):
    """Whether a port takes connections; the value is the time to connect in seconds."""

    type: Literal["tcp"]
    address: Name
    port: Port


def _web_address(url: str) -> str:
    """An address of a web server that is safe to put into a request."""
    if not url.isascii() or " " in url or _CONTROL & set(url):
        raise ValueError("a web address has neither spaces nor characters beyond ASCII")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("a web address starts with `http://` or `https://` and names a host")
    if parts.username is not None:
        raise ValueError("a password does not belong into an address: use `username` and `password`")
    return url


def _header(value: SecretStr) -> SecretStr:
    if _CONTROL & set(value.get_secret_value()):
        raise ValueError("a header is one line")
    return value


Url = Annotated[str, AfterValidator(_web_address)]
Header = Annotated[SecretStr, AfterValidator(_header)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]


class HttpProbe(ProbeSettings):
    """Whether a web server answers as expected; the value is the time to the end of the reply, or its status."""

    type: Literal["http"]
    url: Url
    value: Literal["time", "status"] = "time"
    expect_status: tuple[int, ...] = Field(default=(), description="Statuses that are well; none named: 200 to 299.")
    expect_text: str = Field(default="", description="A text that the reply has to have.")
    headers: dict[HeaderName, Header] = Field(default_factory=dict)
    username: Name | None = None
    password: SecretStr | None = None
    ca: str | None = Field(default=None, description="A file of the certificates to trust, instead of the system's.")
    verify: bool = Field(default=True, description="Whether a server's certificate has to be trusted.")

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("`username` and `password` go together")
        return self


class SnmpUser(Model):
    """A user of SNMPv3."""

    name: Name
    auth: Literal["md5", "sha", "sha224", "sha256", "sha384", "sha512"] = "sha256"
    auth_key: SecretStr | None = Field(default=None, min_length=8)
    privacy: Literal["des", "3des", "aes", "aes192", "aes256"] = "aes"
    privacy_key: SecretStr | None = Field(default=None, min_length=8)

    @model_validator(mode="after")
    def _no_privacy_alone(self) -> Self:
        if self.privacy_key is not None and self.auth_key is None:
            raise ValueError("`privacy_key` needs `auth_key`")
        return self


class SnmpProbe(ProbeSettings):
    """What an SNMP agent says of one object identifier; the value is the number that it gives."""

    type: Literal["snmp"]
    address: Name
    port: Port = 161
    oid: Oid
    community: SecretStr | None = Field(default=None, description="For SNMPv2c.")
    user: SnmpUser | None = Field(default=None, description="For SNMPv3.")

    @model_validator(mode="after")
    def _one_version(self) -> Self:
        if (self.community is None) == (self.user is None):
            raise ValueError("either `community` (SNMPv2c) or `user` (SNMPv3) is needed")
        return self


class ScriptProbe(ProbeSettings):
    """A script of the user's; the value is the number on the last line that it prints."""

    type: Literal["script"]
    script: Name = Field(description="A file in the folder of scripts.")
    arguments: tuple[str, ...] = ()
    environment: dict[str, SecretStr] = Field(default_factory=dict, description="Variables that the script gets.")

    @model_validator(mode="after")
    def _no_null(self) -> Self:
        values = (each.get_secret_value() for each in self.environment.values())
        if any("\0" in text for text in (self.script, *self.arguments, *self.environment, *values)):
            raise ValueError("no text may hold a null character")
        if any(not name or "=" in name for name in self.environment):
            raise ValueError("a variable has a name without `=`")
        return self


Probe = Annotated[IcmpProbe | TcpProbe | HttpProbe | SnmpProbe | ScriptProbe, Field(discriminator="type")]
