"""Files that browsers keep: styles, our script, and libraries of others as they are published."""

import hashlib
from collections.abc import Mapping
from importlib.resources import files

from batchprocess_operator.page.http.answers import Answer, packed

_FOLDER = "static"
_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_NAMES = (
    "page.css",
    "page.js",
    "icon.svg",
    "vendor/htmx.min.js",
    "vendor/idiomorph-ext.min.js",
    "vendor/uPlot.iife.min.js",
    "vendor/uPlot.min.css",
)


class StaticFiles:
    """Read once; each has an address that changes with what is in it."""

    def __init__(self) -> None:
        root = files("batchprocess_operator.page").joinpath(_FOLDER)
        bodies = {name: root.joinpath(name).read_bytes() for name in _NAMES}
        self.addresses: Mapping[str, str] = {
            name: f"/static/{hashlib.sha256(body).hexdigest()[:12]}/{name}"
            for name, body in bodies.items()
        }
        plain = {
            self.addresses[name]: Answer(200, body, _TYPES[name.rpartition(".")[2]], kept=True)
            for name, body in bodies.items()
        }
        self._plain = plain
        self._packed = {path: packed(answer, "gzip") for path, answer in plain.items()}

    def answer(self, path: str, accepted: str) -> Answer | None:
        """The file at an address; None if there is none."""
        plain = self._plain.get(path)
        return self._packed[path] if plain is not None and "gzip" in accepted else plain
