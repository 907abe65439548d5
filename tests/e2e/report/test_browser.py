"""The page of ``greenroom report`` in a real Chromium: small, accessible, and it asks the network for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import command_line
import pytest
from browser import BrowserError, run_script

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

_SCRIPT = """
const found = {};
for (const scheme of ["light", "dark"]) {
  const viewport = {width: given.width, height: 900};
  const context = await browser.newContext({bypassCSP: given.axe, colorScheme: scheme, viewport});
  const page = await context.newPage();
  const requests = [], errors = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(given.page);
  const result = {requests, errors};
  await page.keyboard.press("Tab");
  result.focused = await page.evaluate(() => document.activeElement.id);
  await page.keyboard.type("new-one");
  result.count = await page.textContent("#count");
  result.shown = await page.$$eval("tbody:not([hidden])", (rows) => rows.length);
  result.work = await page.evaluate(() => {
    const start = performance.now();
    const search = document.getElementById("search");
    search.value = "catalog";
    search.dispatchEvent(new Event("input", {bubbles: true}));
    document.body.getBoundingClientRect();
    return performance.now() - start;
  });
  await page.click("button[type=reset]");
  await page.waitForFunction(() => !document.querySelector("tbody[hidden]"));
  await page.selectOption("#state", "new");
  result.new = await page.$$eval("tbody:not([hidden])", (rows) => rows.length);
  await page.click("button[type=reset]");
  await page.click("#open");
  result.details = await page.$$eval("details:not([open])", (rows) => rows.length);
  result.wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  if (given.axe) {
    await page.evaluate(axe);
    result.violations = await page.evaluate(async () => (await axe.run()).violations.map((item) => item.id));
  }
  await page.emulateMedia({media: "print"});
  result.filter = await page.isVisible("#filter");
  found[scheme] = result;
  await context.close();
}
return found;
"""


#: What the page's thread works from opening the page until it has answered a first search: its processor time, in seconds,
#: so that other processes do not count.
_INTERACTIVE = """
const page = await browser.newPage();
const session = await page.context().newCDPSession(page);
await session.send("Performance.enable", {timeDomain: "threadTicks"});
await page.goto(given.page);
const shown = await page.evaluate(() => new Promise((resolve) => {
  const search = document.getElementById("search");
  search.value = "new-one";
  search.dispatchEvent(new Event("input", {bubbles: true}));
  requestAnimationFrame(() => setTimeout(() => resolve(document.querySelectorAll("tbody:not([hidden])").length)));
}));
const {metrics} = await session.send("Performance.getMetrics");
return [shown, metrics.find((item) => item.name === "TaskDuration").value];
"""


def page(folder: Path, plugins: int) -> Path:
    names = "".join(f"      plugin-{number}: {{}}\n" for number in range(plugins - 1))
    base = "backend:\n  database:\n    client: pg\n    connection: {host: db.example, user: u, password: x}\n    plugin:\n"
    config = base + names
    (folder / "app-config.yaml").write_text(config)
    run = {"cwd": folder, "env": {"PATH": "/usr/bin:/bin"}, "capture_output": True, "text": True}
    assert command_line.run(["generate", "--target", "sql"], **run).returncode == 0
    (folder / "app-config.yaml").write_text(f"{config}      new-one: {{}}\n")
    made = command_line.run(["report", "--target", "sql"], **run)
    assert made.returncode == 0, made.stderr
    (folder / "report.html").write_text(made.stdout)
    return folder / "report.html"


def opened(path: Path, **given: Any) -> dict[str, dict[str, Any]]:
    try:
        found: dict[str, dict[str, Any]] = run_script(_SCRIPT, page=path.as_uri(), **given)
    except BrowserError as error:
        pytest.skip(f"no browser: {error}")
    return found


@pytest.mark.parametrize(("plugins", "width"), [(5, 1200), (60, 1200), (60, 400), (500, 1200)])
def test_the_page_in_a_browser(tmp_path: Path, plugins: int, width: int) -> None:
    path = page(tmp_path, plugins)
    assert path.stat().st_size < 1_000_000
    # axe needs a script of its own, which the page's policy would refuse; on 500 plugins it takes minutes.
    for found in opened(path, axe=plugins < 500, width=width).values():
        assert found["requests"] == [path.as_uri()]
        assert found["errors"] == []
        assert found["focused"] == "search", "the first stop of the keyboard"
        assert (found["count"], found["shown"], found["new"]) == (f"1 of {plugins} shown", 1, 1)
        assert found["details"] == 0
        assert not found["wide"], "tables scroll by themselves, the page does not"
        assert found.get("violations", []) == []
        assert not found["filter"], "no controls on paper"


def test_500_plugins_answer_within_a_second(tmp_path: Path) -> None:
    try:
        shown, worked = run_script(_INTERACTIVE, page=page(tmp_path, 500).as_uri())
    except BrowserError as error:
        pytest.skip(f"no browser: {error}")
    assert shown == 1
    assert 0 < worked < 1


def test_the_policy_of_the_page_lets_nothing_else_run(tmp_path: Path) -> None:
    path = page(tmp_path, 5)
    text = path.read_text().replace(
        "</main>", "<script>document.title = 'ran'</script><img src='http://127.0.0.1:9/x'></main>"
    )
    path.write_text(text)
    for found in opened(path, axe=False, width=1200).values():
        assert len([line for line in found["errors"] if "Content Security Policy" in line]) == 2
