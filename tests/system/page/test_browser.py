"""The page in a real browser: by keyboard, on a phone, in the dark, without complaints."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from support.operator.browser import Tab, browser, served, tab
from support.operator.page_jobs import add_busy, add_list, condition
from support.operator.page_world import PageWorld, today

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
PATHS = ("/", "/jobs/team/captions", "/jobs/team/large", "/jobs/team/nothing")


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture
def jobs() -> PageWorld:
    made = PageWorld(now=today())
    add_list(made, 40)
    words = condition(made, "PodsFailed", "UserCodeRaised", "x" * 300 + " <b>&amp;")
    add_busy(made, "captions", 96, conditions=[words])
    add_busy(made, "large", 10_000, conditions=[words])
    for _ in range(12):
        made.history.sample()
        made.passes(10)
    made.now = today()
    return made


@pytest.fixture
def base(jobs: PageWorld) -> Iterator[str]:
    with served(jobs) as found:
        yield found


@pytest.fixture
def desk(running: Browser, base: str) -> Iterator[Tab]:
    """Somebody logged in who sees everything."""
    with tab(running, base) as found:
        found.log_in()
        yield found


def test_the_console_is_silent_and_nothing_is_fetched_from_elsewhere(desk: Tab) -> None:
    for path in PATHS[:-1]:
        desk.go(path)
    desk.page.wait_for_selector("#plot-left canvas")
    assert desk.said == []
    assert desk.asked
    assert [url for url in desk.asked if not url.startswith(desk.base)] == []


def test_plots_are_drawn(desk: Tab) -> None:
    desk.go("/jobs/team/captions")
    desk.page.wait_for_selector("#plot-left canvas")
    inked = """id => { const c = document.querySelector(id + ' canvas');
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        return d.some(v => v !== 0); }"""
    assert desk.page.evaluate(inked, "#plot-rate")
    assert desk.page.evaluate(inked, "#plot-left")


def test_a_token_is_out_of_reach_of_scripts_and_other_sites(desk: Tab) -> None:
    assert desk.script("document.cookie") == ""
    (cookie,) = desk.page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    desk.page.click("text=Log out")
    desk.page.wait_for_url("**/login")
    assert desk.page.context.cookies() == []


def tabbed(one: Tab, to: str, most: int = 40) -> None:
    """Press Tab until what is heard begins so."""
    heard = []
    for _ in range(most):
        one.page.keyboard.press("Tab")
        heard.append(one.focused)
        if heard[-1].startswith(to):
            return
    raise AssertionError(f"Tab does not lead to {to!r}, but to {heard}")


def test_it_is_used_by_keyboard_alone(running: Browser, base: str) -> None:
    with tab(running, base) as one:
        one.go("/login")
        assert one.script("document.activeElement.id") == "token"
        one.page.keyboard.type("all-token")
        one.page.keyboard.press("Enter")
        one.page.wait_for_url(base + "/")
        one.page.keyboard.press("Tab")
        assert one.focused == "Skip to content"
        one.page.keyboard.press("Enter")
        assert one.script("document.activeElement.id") == "main"
        tabbed(one, "team/captions", 120)
        outline = one.script("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        one.page.keyboard.press("Enter")
        one.page.wait_for_url("**/jobs/team/captions")
        tabbed(one, "Shards 40 to ")
        stroke = "getComputedStyle(document.activeElement.querySelector('rect')).strokeWidth"
        assert one.script(stroke) == "3px"
        one.page.keyboard.press("Enter")
        one.page.wait_for_url("**from=40#table")
        assert one.page.locator(".shards tbody th").first.inner_text() == "40"


@pytest.mark.parametrize("path", ["/login", *PATHS])
def test_nothing_is_wider_than_a_phone(running: Browser, base: str, path: str) -> None:
    with tab(running, base, **PHONE) as one:
        one.log_in()
        one.go(path)
        assert one.script("document.documentElement.scrollWidth <= innerWidth")
        small = """[...document.querySelectorAll('button, input, select')].filter(
            e => e.type != 'hidden' && e.type != 'checkbox' && e.offsetHeight < 32).length"""
        assert one.script(small) == 0
        broken = (
            "[...document.querySelectorAll('.shards tr')].filter(e => e.offsetHeight > 50).length"
        )
        assert one.script(broken) == 0


def brightness(one: Tab) -> float:
    found: float = one.script(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3)"
        ".reduce((sum, part) => sum + Number(part), 0) / 765"
    )
    return found


def test_it_is_as_light_or_dark_as_the_system(desk: Tab) -> None:
    desk.go("/jobs/team/captions")
    desk.page.wait_for_selector("#plot-left canvas")
    assert brightness(desk) > 0.9
    desk.page.emulate_media(color_scheme="dark")
    assert brightness(desk) < 0.2
    assert desk.page.locator("#plots canvas").count() == 2
    assert desk.said == []


def test_it_refreshes_in_place_and_keeps_focus_and_what_is_unfolded(
    desk: Tab, jobs: PageWorld
) -> None:
    desk.go("/jobs/team/captions")
    desk.page.click("summary")
    desk.page.focus("#band-0")
    desk.script("window.before = document.getElementById('band-0')")
    entry = jobs.cache.entries["uid-team-captions"]
    assert entry.job is not None
    jobs.add("captions", status={"state": "Suspended"}, age=3_700, shards=96)
    desk.page.wait_for_selector("h1 .state-Suspended", timeout=20_000)
    assert desk.script("document.activeElement === window.before")
    assert desk.script("document.querySelector('details').open")
    assert desk.page.locator("#plots canvas").count() == 2
    assert desk.said == []


def test_a_switch_stops_it(desk: Tab) -> None:
    desk.page.uncheck("#refresh")
    before = len(desk.asked)
    desk.page.wait_for_timeout(6_000)
    assert len(desk.asked) == before
    with desk.page.expect_request("**/", timeout=20_000):
        desk.page.check("#refresh")


def test_who_is_not_known_any_more_is_asked_to_log_in(desk: Tab, jobs: PageWorld) -> None:
    jobs.reviews.tokens.clear()
    jobs.time += 60
    desk.page.wait_for_url("**/login", timeout=20_000)
    assert desk.page.locator("#token").count() == 1


def test_without_scripts_only_plots_and_refreshing_are_missing(running: Browser, base: str) -> None:
    with tab(running, base, java_script_enabled=False) as one:
        one.log_in()
        one.page.click("text=team/captions")
        assert one.page.locator("svg.map path").count() > 3
        assert one.page.locator(".shards tbody tr").count() == 50
        one.page.click("text=failed >> nth=-1")


def test_the_heat_map_is_heard_as_what_it_shows(desk: Tab) -> None:
    desk.go("/jobs/team/large")
    label = desk.page.locator("svg.map").get_attribute("aria-label") or ""
    assert label.startswith("Heat map of 10,000 shards: ")
    links = desk.page.locator("svg.map a")
    assert 1 < links.count() <= 12
    assert all(one.get_attribute("aria-label") for one in links.all())
