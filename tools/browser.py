"""A real browser for tests of pages: Chromium of the machine, driven by playwright-core, with axe-core for accessibility."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
PACKAGES = ("playwright-core@1.64.1", "axe-core@4.14.1")
_NAMES = ("chromium", "chromium-browser", "google-chrome")
#: No background requests: only what the page itself asks for may show up.
_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class BrowserError(Exception):
    """There is no browser here; the message says what is missing."""


def browser() -> tuple[Path, str]:
    """The folder of the npm packages, installed the first time, and the program of the browser.

    ``GREENROOM_BROWSER_DIR`` names another place than ``.cache/browser``.

    Raises:
        BrowserError: Chromium, node or npm is missing, or the packages cannot be had.
    """
    program = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if program is None:
        raise BrowserError(f"none of {', '.join(_NAMES)} is installed")
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise BrowserError("node and npm are not installed")
    folder = Path(os.environ.get("GREENROOM_BROWSER_DIR") or PROJECT / ".cache" / "browser")
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "installed.txt"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (done.is_file() and done.read_text() == "\n".join(PACKAGES)):
            command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES]
            ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603
            if ran.returncode:
                raise BrowserError(f"npm cannot install {', '.join(PACKAGES)}: {ran.stderr.strip()[-200:]}")
            done.write_text("\n".join(PACKAGES))
    return folder, program


def run_script(script: str, **given: Any) -> Any:
    """What ``script`` returns: the body of an async JavaScript function of ``browser``, ``axe`` (a text) and ``given``.

    Raises:
        BrowserError: there is no browser here.
        AssertionError: the script failed; with what it said.
    """
    folder, program = browser()
    options = json.dumps({"executablePath": program, "args": _OPTIONS})
    text = f"""
const {{chromium}} = require("playwright-core");
const axe = require("fs").readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
(async () => {{
  const browser = await chromium.launch({options});
  try {{
    const result = await (async (browser, axe, given) => {{ {script} }})(browser, axe, {json.dumps(given)});
    console.log(JSON.stringify(result));
  }} finally {{ await browser.close(); }}
}})().catch((error) => {{ console.error(error); process.exit(1); }});
"""
    environment = {**os.environ, "NODE_PATH": str(folder / "node_modules")}
    ran = subprocess.run(  # noqa: S603
        [shutil.which("node") or "node", "-"],
        input=text,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if ran.returncode:
        raise AssertionError(ran.stderr[-3000:])
    return json.loads(ran.stdout.splitlines()[-1])
