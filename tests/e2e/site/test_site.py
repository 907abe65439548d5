"""The documentation as a site: every link leads somewhere, no other host is asked, and axe finds nothing in Chromium."""

from __future__ import annotations

import functools
import http.server
import importlib.util
import re
import threading
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import docs_site
import pytest
from browser import BrowserError, run_script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

#: A page to read, one with code and links between rules, and one with a table that is wider than the text.
PAGES = ("start/", "lint/GR001/", "preflight/")

_SCRIPT = """
const found = {};
for (const scheme of ["light", "dark"]) for (const path of given.pages) {
  const context = await browser.newContext({colorScheme: scheme, viewport: {width: 1280, height: 900}});
  const page = await context.newPage();
  const hosts = new Set(), errors = [];
  page.on("request", (request) => hosts.add(new URL(request.url()).host));
  page.on("console", (message) => errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(given.base + path);
  await page.waitForSelector(given.later[path] ?? "main");
  const result = {errors};
  result.background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.setViewportSize({width: 400, height: 900});
  result.wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  await page.setViewportSize({width: 1280, height: 900});
  await page.evaluate(axe);
  result.violations = await page.evaluate(async () =>
    (await axe.run()).violations.map((item) => [item.id, item.nodes[0].html]));
  result.hosts = [...hosts];
  found[`${scheme} ${path}`] = result;
  await context.close();
}
const page = await browser.newPage();
await page.goto(given.base);
await page.click("button.md-search__button");
await page.waitForTimeout(500); // the window of the search moves in, and takes no key before
await page.keyboard.type("sslmode");
await page.waitForSelector('a[href*="lint/GR005/"]');
return found;
"""


class _Asked(HTMLParser):
    """What a page loads: scripts, styles, images and fonts, not what it links to."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        loads = tag in ("script", "img", "iframe", "source", "audio", "video", "object", "embed")
        if loads and (address := given.get("src") or given.get("data")):
            self.addresses.append(address)
        if tag == "link" and not {"canonical", "prev", "next", "alternate"} & set((given.get("rel") or "").split()):
            self.addresses.append(given.get("href") or "")


@pytest.fixture(scope="module")
def site() -> Path:
    if importlib.util.find_spec("zensical") is None:
        pytest.skip("zensical is not installed: the extra `docs` of pyproject.toml")
    docs_site.build()
    return docs_site.HTML


def test_no_page_asks_another_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 100
    for page in pages:
        asked = _Asked()
        asked.feed(page.read_text(encoding="utf-8"))
        assert [address for address in asked.addresses if re.match(r"(?:[a-z]+:)?//", address)] == [], page
    for style in site.rglob("*.css"):
        assert not re.search(r"@import|url\(['\"]?(?:https?:)?//", style.read_text(encoding="utf-8")), style


def test_markdown_is_understood_as_github_does(site: Path) -> None:
    """Where the site's Markdown wants more than GitHub's, a list or a table ends as text in a paragraph."""
    left = re.compile(r"<p>(?:(?!</p>).)*(?:\n[-*] |\n\d+\. |\n\||```|\|---)", re.DOTALL)
    found = {
        page.relative_to(site).as_posix(): match[0][-200:]
        for page in site.rglob("*.html")
        if (match := left.search(page.read_text()))
    }
    assert found == {}


def test_every_page_is_where_the_messages_of_greenroom_say(site: Path) -> None:
    from generator.problems.codes import all_codes
    from generator.problems.pages import SITE, address

    for code in all_codes():
        path, _, anchor = address(code).removeprefix(SITE).partition("#")
        text = (site / path / "index.html").read_text(encoding="utf-8")
        assert f'id="{anchor}"' in text if anchor else code in text, code
    for schema in (docs_site.PROJECT / "schemas").glob("*.json"):
        assert (site / "schemas" / schema.name).read_bytes() == schema.read_bytes()


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_the_site_in_a_browser(address: str) -> None:
    later = {"lint/GR001/": ".md-code__nav[role]", "preflight/": ".md-typeset__scrollwrap[tabindex]"}
    try:
        found = run_script(_SCRIPT, base=address, pages=PAGES, later=later)
    except BrowserError as error:
        pytest.skip(f"no browser: {error}")
    assert len(found) == 2 * len(PAGES)
    for name, result in found.items():
        assert result["violations"] == [], name
        assert result["errors"] == [], name
        assert result["hosts"] == [address.split("/")[2]], name
        assert not result["wide"], f"{name}: tables and code scroll by themselves, the page does not"
    for path in PAGES:
        assert found[f"light {path}"]["background"] != found[f"dark {path}"]["background"]


def test_a_link_to_nothing_is_named() -> None:
    with pytest.raises(docs_site.SiteError, match=r"docs/start\.md: docs/nowhere\.md does not exist"):
        docs_site.page("docs/start.md", "[x](nowhere.md)")
    assert docs_site.page("docs/start.md", "`[x](nowhere.md)`") == ("`[x](nowhere.md)`", set())
    text, linked = docs_site.page(
        "docs/lint/GR001.md", "[a](README.md) [b](../../schemas/lint.schema.json) [c](../../examples/mysql)"
    )
    assert text == "[a](index.md) [b](../schemas/lint.schema.json) [c](../examples/mysql.md)"
    assert linked == {"docs/lint/README.md", "schemas/lint.schema.json", "examples/mysql"}
