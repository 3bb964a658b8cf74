"""Pages from values: Jinja escapes all that is printed, and a name that is missing is an error."""

from collections.abc import Mapping
from typing import Any

import jinja2

from batchprocess_operator.page.http.answers import Answer


class Pages:
    """`addresses`: file -> where browsers get it."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._made = jinja2.Environment(
            loader=jinja2.PackageLoader("batchprocess_operator.page"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._made.globals["file"] = addresses

    def page(self, name: str, status: int = 200, **values: Any) -> Answer:
        """One page, whole."""
        text = self._made.get_template(f"{name}.html").render(values)
        return Answer(status, text.encode(errors="replace"))
