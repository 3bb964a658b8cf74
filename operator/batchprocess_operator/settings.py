"""The operator's settings, each a variable BATCHPROCESS_OPERATOR_<NAME> or an argument --name."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

PREFIX = "BATCHPROCESS_OPERATOR_"


class SettingsError(ValueError):
    """A variable that cannot be used; names it, its value and what would be right."""


class OperatorSettings(BaseModel):
    """All of them are set by the chart's values."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    namespaces: tuple[str, ...] = ()
    """Comma-separated namespaces to watch; empty: all of them."""
    pod_namespace: str | None = None
    """The operator's own namespace, where its Secret lies."""
    progress_address: str | None = None
    """https address at which workers reach the endpoint; empty: no endpoint."""
    progress_secret: str | None = None
    """Name of the Secret with the endpoint's certificate."""
    progress_secret_given: bool = False
    """Whether somebody else makes and renews the certificate (progress.existingSecret)."""
    progress_host: str = "0.0.0.0"  # noqa: S104  a pod's own address
    """Address that the endpoint listens on."""
    progress_port: int = Field(default=8443, ge=0, le=65_535)
    """Port that the endpoint listens on."""
    health_address: str = "0.0.0.0:8080"
    """Where /healthz and /readyz answer; empty: nowhere."""
    metrics_port: int | None = Field(default=None, ge=0, le=65_535)
    """Port of the Prometheus metrics; empty: none."""
    metrics_per_job: bool = True
    """Whether jobs that are not final have series of their own, of at most 1,000 of them."""
    page_port: int | None = Field(default=None, ge=0, le=65_535)
    """Port of the page that shows jobs to whoever may read them; empty: none."""
    page_host: str = "0.0.0.0"  # noqa: S104  a pod's own address
    """Address that the page listens on."""
    requests_per_second: float = Field(default=200.0, gt=0)
    """Bound on requests to the API server, watches not counted."""
    request_burst: int = Field(default=400, ge=1)
    """Requests that may come at once."""
    concurrent_reconciles: int = Field(default=16, ge=1, alias="workers")
    """Jobs looked at at a time."""
    notifications: str = ""
    """JSON of the destinations that jobs may name in spec.notify; empty: there are none."""
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    """Least severe log lines that are written."""
    log_format: str = Field(default="text", pattern="^(text|json)$")
    """text, or json: one object a line."""

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str], arguments: Mapping[str, str | None] | None = None
    ) -> Self:
        """Read and check; an argument counts more than its variable. Raises SettingsError.

        arguments: by the name of the variable.
        """
        values: dict[str, object] = {}
        for name in map(_key, cls.model_fields):
            variable = PREFIX + name.upper()
            given = (arguments or {}).get(variable)
            raw = environ.get(variable, "") if given is None else given
            if raw:
                values[name] = raw
        if "namespaces" in values:
            parts = str(values["namespaces"]).split(",")
            values["namespaces"] = tuple(part.strip() for part in parts if part.strip())
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            variable = PREFIX + str(first["loc"][0]).upper()
            raise SettingsError(f"{variable}={first['input']!r}: {first['msg']}") from error


def variable_of(name: str) -> str:
    """The environment variable of the field `name`."""
    return PREFIX + _key(name).upper()


def option_of(name: str) -> str:
    """The argument of the field `name`."""
    return "--" + _key(name).replace("_", "-")


def _key(name: str) -> str:
    # A field may have got a better name than the variable that users have set for long.
    return OperatorSettings.model_fields[name].alias or name
