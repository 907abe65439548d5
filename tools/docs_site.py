"""The documentation as a site: ``make docs`` builds it strictly, ``make docs-serve`` shows it while you write.

zensical builds ``.cache/site/html`` from ``.cache/site/pages``. Those are the files of ``docs``, and whatever they link to
elsewhere in the repository: a link that works on GitHub works in the site, and every link and anchor is checked.
Exit code 77: zensical is not installed (the extra ``docs`` of pyproject.toml).
"""

from __future__ import annotations

import importlib.util
import posixpath
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parent.parent
#: Where zensical works. It keeps a folder `.cache` next to its configuration, and `--clean` empties that: not ours.
SITE = PROJECT / ".cache" / "site"
PAGES = SITE / "pages"
HTML = SITE / "html"
NOT_INSTALLED = 77

#: Pages that are not below ``docs``, and where they are in the site.
_ELSEWHERE = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
_LINK = re.compile(r"(?P<before>\]\()(?P<target>(?![a-z]+:|#)[^)\s#]+)(?P<anchor>#[^)\s]*)?(?=\))")
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[a-z]+) (?!title=)(?P<title>[^\s`\"]+)[^\n`]*$", re.MULTILINE)
_CODE = re.compile(r"^ *```.*?^ *```|`[^`\n]+`", re.DOTALL | re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LANGUAGES = {".yml": "yaml", ".yaml": "yaml", ".json": "json", ".tf": "hcl", ".sql": "sql", ".j2": "jinja"}
#: What is shown of what an example generates; the rest is listed.
_SHOWN = "app-config.databases.yaml"


class SiteError(Exception):
    """A link leads to something that is not in the repository, or the build failed; the message says which."""


def place(path: str) -> str:
    """Where a file of the repository is in the site: ``docs/lint/README.md`` is ``lint/index.md``.

    Raises:
        SiteError: there is no such file.
    """
    file = PROJECT / path
    if not file.exists():
        raise SiteError(f"{path} does not exist")
    if path in _ELSEWHERE:
        return _ELSEWHERE[path]
    if path.startswith("docs/") or path in ("examples", "examples/README.md"):
        inside = path.removeprefix("docs/")
        inside = f"{inside}/README.md" if file.is_dir() else inside
        return re.sub(r"(?<![^/])README\.md$", "index.md", inside)
    if path.startswith("examples/"):
        return f"examples/{path.split('/')[1]}.md"
    if path.startswith("schemas/"):
        return path
    if file.is_dir() or path == "README.md":
        raise SiteError(f"{path} is not part of the site: link to a page of docs")
    return f"files/{path.replace('/', '-').lstrip('.').lower()}.md"


def page(path: str, text: str) -> tuple[str, set[str]]:
    """A page of the repository as the site has it, and the files outside ``docs`` that it links to.

    Raises:
        SiteError: a link leads to nothing.
    """
    linked: set[str] = set()

    def link(match: re.Match[str]) -> str:
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(path), match["target"]))
        try:
            there = place(wanted)
        except SiteError as error:
            raise SiteError(f"{path}: {error}") from None
        linked.add(wanted)
        return f"{match['before']}{posixpath.relpath(there, posixpath.dirname(place(path)) or '.')}{match['anchor'] or ''}"

    parts, end = [], 0
    for code in _CODE.finditer(text):  # what is code has no links
        parts += [_LINK.sub(link, text[end : code.start()]), code[0]]
        end = code.end()
    text = "".join([*parts, _LINK.sub(link, text[end:])])
    return _FENCE.sub(r'\g<indent>```\g<language> title="\g<title>"', text), linked


def listing(path: Path, title: str) -> str:
    """A file as a block of code, in a fence that nothing in it can end."""
    text = path.read_text(encoding="utf-8")
    fence = "`" * (max((len(found) for found in re.findall(r"`{3,}", text)), default=2) + 1)
    return f'{fence}{_LANGUAGES.get(path.suffix, "text")} title="{title}"\n{text.rstrip()}\n{fence}\n'


def example(name: str) -> str:
    """The page of an example: what its README says, its files, and what is generated from them."""
    folder = PROJECT / "examples" / name
    expected = folder / "expected"
    given = [item for item in sorted(folder.rglob("*")) if item.is_file() and expected not in item.parents]
    parts = [(folder / "README.md").read_text(encoding="utf-8"), "\n## Files\n"]
    parts += [f"\n{listing(item, item.relative_to(folder).as_posix())}" for item in given if item.name != "README.md"]
    made = [item.relative_to(expected).as_posix() for item in sorted(expected.rglob("*")) if item.is_file()]
    if made:
        parts.append(f"\n## What is generated\n\n`greenroom generate` writes {len(made)} files:\n\n")
        parts += [f"- `{item}`\n" for item in made]
    if _SHOWN in made:
        parts.append(f"\n{listing(expected / _SHOWN, _SHOWN)}")
    return "".join(parts)


def decisions() -> str:
    """The list of decisions: on GitHub the folder is the list."""
    found = sorted((PROJECT / "docs" / "adr").glob("0*.md"))
    rows = [f"- [{item.read_text(encoding='utf-8').partition(chr(10))[0].lstrip('# ')}]({item.name})\n" for item in found]
    return "\n" + "".join(rows)


def sources() -> Iterator[tuple[str, str]]:
    """The pages of the site by their path in the repository, with their text there."""
    for file in sorted((PROJECT / "docs").rglob("*.md")):
        path = file.relative_to(PROJECT).as_posix()
        text = file.read_text(encoding="utf-8")
        yield path, text + decisions() if path == "docs/adr/README.md" else text
    for path in _ELSEWHERE:
        yield path, (PROJECT / path).read_text(encoding="utf-8")
    yield "examples/README.md", (PROJECT / "examples" / "README.md").read_text(encoding="utf-8")
    for file in sorted((PROJECT / "examples").glob("*/README.md")):
        yield file.relative_to(PROJECT).as_posix(), example(file.parent.name)


def assemble() -> dict[str, str]:
    """Every text of the site, by its path in it.

    Raises:
        SiteError: a link leads to nothing; the message has all of them.
    """
    pages: dict[str, str] = {}
    linked: set[str] = set()
    problems = []
    for path, text in sources():
        try:
            pages[place(path)], more = page(path, text)
        except SiteError as error:
            problems.append(str(error))
        else:
            linked |= more
    for path in sorted(linked):
        if (there := place(path)).startswith("files/"):
            pages[there] = f"# {PurePosixPath(path).name}\n\n{listing(PROJECT / path, path)}"
    if problems:
        raise SiteError("\n".join(problems))
    schemas = sorted((PROJECT / "schemas").glob("*.json"))  # at the address that their $id has
    pages |= {f"schemas/{file.name}": file.read_text(encoding="utf-8") for file in schemas}
    return pages | {name: (PROJECT / "docs" / name).read_text(encoding="utf-8") for name in ("site.css", "site.js")}


def write() -> None:
    """Bring the pages up to date: what did not change keeps its time, which a running server looks at.

    Raises:
        SiteError: a link leads to nothing.
    """
    texts = assemble()
    for file in [item for item in PAGES.rglob("*") if item.is_file() and item.relative_to(PAGES).as_posix() not in texts]:
        file.unlink()
    files = {PAGES / name: text for name, text in texts.items()}
    files[SITE / "mkdocs.yml"] = (PROJECT / "mkdocs.yml").read_text(encoding="utf-8")
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def build() -> str:
    """Build the site anew, strictly. Returns what zensical says.

    Raises:
        SiteError: a page or an anchor that is linked to does not exist; the message says where.
    """
    write()
    shutil.rmtree(HTML, ignore_errors=True)
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    done = subprocess.run(command, cwd=SITE, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603
    said = _COLOUR.sub("", done.stdout + done.stderr).partition("\nTraceback (most recent call last)")[0]
    if done.returncode:
        raise SiteError(said.strip())
    return said.strip()


def serve(arguments: list[str]) -> int:
    """Show the site, and bring it up to date whenever a page changes, until Ctrl-C."""
    write()
    command = [sys.executable, "-m", "zensical", "serve", *arguments]
    with subprocess.Popen(command, cwd=SITE) as server:  # noqa: S603
        try:
            while server.poll() is None:
                time.sleep(1)
                try:
                    write()
                except (SiteError, OSError) as error:
                    print(error, file=sys.stderr)
        except KeyboardInterrupt:
            server.terminate()
    return server.returncode or 0


def main() -> int:
    """``docs_site.py build`` or ``docs_site.py serve [OPTIONS OF ZENSICAL]``."""
    if importlib.util.find_spec("zensical") is None:
        print("zensical is not installed: the documentation was not built")
        return NOT_INSTALLED
    try:
        if sys.argv[1:2] == ["serve"]:
            return serve(sys.argv[2:])
        print(build())
    except SiteError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"the site is in {HTML.relative_to(PROJECT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
