"""Debian's Chromium, without a window, on pages that this process serves."""

import asyncio
import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from support.operator.page_world import PageWorld
from testcluster.errors import ClusterError


def program() -> str:
    """Path of the browser. Raises ClusterError if there is none."""
    found = shutil.which("chromium")
    if found is None:
        raise ClusterError("chromium is not installed: run `make browser` as root")
    return found


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A running one."""
    with sync_playwright() as play:
        # Root has no sandbox; what is shown is ours.
        running = play.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        try:
            yield running
        finally:
            running.close()


@dataclass
class Tab:
    """One page of a browser, all that it complained of, and all that it asked for."""

    page: Page
    base: str
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda one: self.said.append(one.text))
        self.page.on("pageerror", lambda one: self.said.append(str(one)))
        self.page.on("request", lambda one: self.asked.append(one.url))

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)

    def log_in(self, token: str = "all-token") -> None:
        self.go("/login")
        self.page.fill("#token", token)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(self.base + "/")

    def script(self, expression: str) -> Any:
        return self.page.evaluate(expression)

    @property
    def focused(self) -> str:
        """What has the focus, as somebody hears it."""
        found: str = self.script(
            "(a => a.getAttribute('aria-label') || a.innerText.slice(0, 80) || a.id || a.tagName)"
            "(document.activeElement)"
        )
        return found


@contextlib.contextmanager
def tab(running: Browser, base: str, **settings: Any) -> Iterator[Tab]:
    """A new one that shares nothing with others; `settings` as Playwright has them."""
    context: BrowserContext = running.new_context(**settings)
    try:
        yield Tab(context.new_page(), base)
    finally:
        context.close()


@contextlib.contextmanager
def served(world: PageWorld) -> Iterator[str]:
    """The page's address, served by a loop in a thread of its own."""
    ready, ended = threading.Event(), asyncio.Event()
    found: list[Any] = []

    async def go() -> None:
        async with world.served() as port:
            found.extend([port, asyncio.get_running_loop()])
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(go()))
    thread.start()
    try:
        assert ready.wait(30)
        yield f"http://localhost:{found[0]}"
    finally:
        end: Callable[[], None] = ended.set
        found[1].call_soon_threadsafe(end)
        thread.join(30)
