"""The operator's settings: read once at start from BANKMODEL_* variables; every wrong one is reported, all together.

Nothing else in the package reads the environment, except for the client library's KUBECONFIG.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

__all__ = ["Settings", "SettingsError", "load"]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class SettingsError(Exception):
    """Lists every wrong setting."""


def _duration(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = _DURATION.findall(value)
    if not parts or "".join(number + unit for number, unit in parts) != value:
        raise ValueError("must be a duration such as 500ms, 15s, 5m or 1h30m")
    return timedelta(seconds=sum(float(number) * _UNIT_S[unit] for number, unit in parts))


def _names(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(name.strip() for name in value.split(",") if name.strip())


Duration = Annotated[timedelta, BeforeValidator(_duration), Field(gt=timedelta(0))]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]


class Settings(BaseSettings):
    """One field a setting; the reference page is made from these."""

    model_config = SettingsConfigDict(env_prefix="BANKMODEL_", frozen=True, extra="ignore")

    serving_image: str = Field(min_length=1, description="Image of the scoring container for revisions that name none.")
    namespaces: Names = Field((), description="Namespaces to look after, comma separated; empty: all of the cluster.")
    operator_namespace: str = Field("bankmodel-system", min_length=1, description="Where the Lease lives.")
    instance: str = Field(
        default_factory=socket.gethostname, min_length=1, description="This replica's own name: the pod's."
    )
    lease_name: str = Field("bankmodel-operator", min_length=1, description="The Lease the replicas compete for.")
    lease_duration: Duration = Field(
        timedelta(seconds=15), description="After this long without a renewal another replica takes over."
    )
    renew_deadline: Duration = Field(
        timedelta(seconds=10), description="After this long without a renewal the leader ends itself."
    )
    retry_period: Duration = Field(timedelta(seconds=2), description="Between two tries to acquire or renew.")
    resync: Duration = Field(timedelta(minutes=5), description="Each model is looked at this often without any event.")
    workers: int = Field(8, ge=1, le=64, description="Models worked on at the same time.")
    http_port: int = Field(8080, ge=1, le=65535, description="Port of /healthz, /readyz and /metrics.")
    scrape_port: int = Field(9090, ge=1, le=65535, description="Metrics port of the serving pods.")
    scrape_interval: Duration = Field(
        timedelta(seconds=5), description="While a revision is on trial its pods' metrics are read this often."
    )
    drain_deadline: Duration = Field(
        timedelta(seconds=30), description="A replaced revision's pods get this long to finish their connections."
    )
    stop_deadline: Duration = Field(
        timedelta(seconds=20), description="On SIGTERM, passes that are running get this long to finish."
    )
    monitoring_namespaces: Names = Field(
        ("monitoring",), description="Namespaces whose pods may read the serving pods' metrics, comma separated."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severity that is logged."
    )
    log_format: Literal["json", "text"] = Field("json", description="json for machines, text for people.")

    @model_validator(mode="after")
    def _lease_times_fit(self) -> Self:
        if not self.lease_duration > self.renew_deadline > self.retry_period:
            raise ValueError(
                "BANKMODEL_LEASE_DURATION must be longer than BANKMODEL_RENEW_DEADLINE, and that longer than "
                f"BANKMODEL_RETRY_PERIOD; they are {self.lease_duration.total_seconds():g} s, "
                f"{self.renew_deadline.total_seconds():g} s and {self.retry_period.total_seconds():g} s"
            )
        return self


def load() -> Settings:
    """The settings from the environment; raises SettingsError naming every wrong one."""
    try:
        return Settings()  # type: ignore[call-arg]  # the fields come from the environment
    except ValidationError as error:
        faults = "\n".join(f"  {_fault(dict(detail))}" for detail in error.errors())
        raise SettingsError(f"wrong settings:\n{faults}") from error


def _fault(detail: Mapping[str, Any]) -> str:
    message = str(detail["msg"]).removeprefix("Value error, ")
    if not detail["loc"]:
        return message
    name = f"BANKMODEL_{detail['loc'][0]}".upper()
    if detail["type"] == "missing":
        return f"{name} is not set: {Settings.model_fields[detail['loc'][0]].description}"
    return f"{name} is {str(detail['input'])[:200]!r}: {message}"
