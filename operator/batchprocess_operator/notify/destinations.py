"""Where messages may go: destinations of the chart's values, and never anything of a job."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from batchprocess.api.scalars import DnsLabel

MAX_DESTINATIONS = 50
MAX_URL = 2_048
Path = Annotated[str, StringConstraints(min_length=1, max_length=1_024)]


class DestinationError(ValueError):
    """A destination that cannot be used; says where and why, and never its URL or secret."""


class _Strict(BaseModel):
    # Errors without what was given: a URL may be a secret.
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, hide_input_in_errors=True
    )


class Destination(_Strict):
    """One that jobs name. What is secret is in files, which are read for each message."""

    name: DnsLabel
    """What jobs call it."""
    type: Literal["webhook", "slack", "cloudevents"]
    """How messages look."""
    url: str | None = Field(default=None, repr=False)
    """Where they go, if that is no secret."""
    url_file: Path | None = None
    """File that has the URL."""
    signing_secret_file: Path | None = None
    """File with the secrets that messages are signed with, one a line."""
    ca_file: Path | None = None
    """File with the certificates that its own is checked against; else those of the system."""
    proxy: str | None = None
    """http://host:port through which it is reached."""
    namespaces: tuple[DnsLabel, ...] = ()
    """Namespaces whose jobs may name it; empty: all."""

    @field_validator("url", "proxy")
    @classmethod
    def _is_plain_url(cls, url: str | None) -> str | None:
        if url is not None:
            check_url(url)
            if "@" in urlsplit(url).netloc:
                raise ValueError("a password belongs into a Secret: give urlSecret")
        return url

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("give either its URL, or a Secret with it")
        if self.type == "slack" and self.signing_secret_file is not None:
            raise ValueError("Slack checks no signatures: leave signingSecret out")
        return self

    def serves(self, namespace: str) -> bool:
        """Whether jobs of this namespace may name it."""
        return not self.namespaces or namespace in self.namespaces


class Destinations(_Strict):
    """All of them."""

    destinations: tuple[Destination, ...] = Field(default=(), max_length=MAX_DESTINATIONS)
    """In any order; their names differ."""
    cluster: str = Field(default="", max_length=253, pattern=r"^[A-Za-z0-9._-]*$")
    """What receivers know this cluster by; empty: they know one."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [one.name for one in self.destinations]
        double = sorted({name for name in names if names.count(name) > 1})
        if double:
            raise ValueError(f"there are two destinations {double[0]}")
        return self


def read_destinations(text: str) -> Destinations:
    """From JSON; none of an empty text. Raises DestinationError."""
    try:
        return Destinations.model_validate_json(text) if text else Destinations()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        what = first["msg"].removeprefix("Value error, ")
        raise DestinationError(f"{where}: {what}") from None


def check_url(url: str) -> None:
    """Raise ValueError for what is no address; the error does not have it."""
    if not 0 < len(url) <= MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(f"a URL has up to {MAX_URL} printable ASCII characters, and no blank")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("a URL is such as https://host/path or http://host:8080/path")
