"""Pages from templates."""

import re
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import pytest

from batchprocess_operator.page import pages as module
from batchprocess_operator.page.pages import Pages
from batchprocess_operator.page.static_files import StaticFiles
from support.operator.page_jobs import add_busy, add_list
from support.operator.page_world import PageWorld

FOLDER = Path(module.__file__).parent
VOID = {"meta", "link", "input", "img", "br", "hr", "path", "rect"}


class Checker(HTMLParser):
    """Elements that are closed in order, identities that are unique, and labels that lead there."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.pointed: set[str] = set()
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        assert "style" not in given
        assert not [name for name in given if name.startswith("on")]
        self.ids += [given["id"]] if "id" in given else []
        for name in ("for", "aria-labelledby", "aria-describedby", "list"):
            self.pointed |= set(given.get(name, "").split())
        if tag == "img":
            assert "alt" in given
        if tag not in VOID and tag != "option":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and tag != "option":
            assert self.open.pop() == tag


def checked(world: PageWorld, path: str) -> None:
    page = Checker(world.get(path).body.decode())
    assert len(page.ids) == len(set(page.ids))
    assert page.pointed <= set(page.ids)


@pytest.mark.parametrize("path", ["/", "/?find=no", "/login", "/jobs/team/digits", "/jobs/team/no"])
def test_every_page_is_whole_and_has_no_styles_or_scripts_of_its_own(path: str):
    made = PageWorld()
    add_list(made, 150)
    add_busy(made, "digits", 300)
    made.reviews.events = [{"reason": "JobCreated", "type": "Warning"}]
    for _ in range(3):
        made.history.sample()
        made.passes(10)
    checked(made, path)


def test_what_is_printed_is_escaped_and_a_name_that_is_missing_is_an_error():
    pages = Pages(StaticFiles().addresses)
    assert b"&lt;b&gt;" in pages.page("login", said="<b>", to="").body
    with pytest.raises(jinja2.UndefinedError):
        pages.page("login")


def test_no_template_switches_escaping_off():
    texts = [path.read_text() for path in (FOLDER / "templates").iterdir()]
    assert len(texts) == 6
    assert not [text for text in texts if re.search(r"\|\s*safe|autoescape|Markup", text)]


def test_nothing_is_fetched_from_anywhere_else():
    ours = [*(FOLDER / "templates").iterdir(), *(FOLDER / "static").glob("page.*")]
    assert not [path for path in ours if re.search(r"https?://|//[a-z]", path.read_text())]
