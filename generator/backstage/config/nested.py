"""An app-config inside another file: the values of a Helm chart, a ConfigMap, what Argo CD or Flux give to a chart.

``values.yaml#backstage.appConfig`` names one; how the path is written is in :mod:`~generator.backstage.config.selector`.
"""

from __future__ import annotations

import os
import re
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.backstage.config.selector import Keys, as_pointer, name_of, read_selector, ways
from generator.documents.embedded import Document, Outer
from generator.documents.templates import is_unquoted_template, is_whole_template
from generator.documents.values import ConfigList, ConfigMap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from generator.backstage.config.selector import Step
    from generator.documents.values import Mark
    from generator.problems.diagnostic import Diagnostic

#: How the keys are called that hold an app-config, and how deep charts of charts put them.
_NAMES: Final = frozenset(("appconfig", "app-config", "app_config"))
_DEEPEST: Final = 12
#: So many of one file are told at most.
_MOST: Final = 20
#: A text that may have an app-config in it, or be one.
_MAY_HOLD: Final = re.compile(r"app[-_]?config|^[ \t]*[\"']?(?:app|backend)[\"']?[ \t]*:", re.IGNORECASE | re.MULTILINE)
_FILE: Final = (".yaml", ".yml")
# A shell takes it as it is: a # inside a word starts no comment.
_PLAIN: Final = re.compile(r"[\w./][\w./#:@%+=-]*", re.ASCII)
#: What an app-config has at its top.
CONFIG_PARTS: Final = frozenset(("app", "backend"))


class Nested(NamedTuple):
    """What is at a path: ``value``, or ``None`` and the ``problem`` with it at ``place``.

    ``problems`` are those of the document and of texts that were read as YAML, ``error`` what npm ``yaml`` would throw for
    them. ``keys`` are the keys that lead there, ``shared`` whether aliases make parts of the value one object.
    ``is_template``: Helm has to fill it in first. ``is_text``: it is a text in the values of a chart, which Helm replaces as
    a whole.
    """

    value: ConfigMap | None = None
    problem: str = ""
    place: Mark | None = None
    problems: tuple[Diagnostic, ...] = ()
    error: str | None = None
    keys: Keys = ()
    shared: bool = False
    is_template: bool = False
    is_text: bool = False


class Found(NamedTuple):
    """An app-config that was found: the ``path`` that leads to it, the ``keys`` of it, its value, and where its key is."""

    path: str
    keys: Keys
    value: ConfigMap
    place: Mark | None = None


def split_config(target: str) -> tuple[str, str]:
    """The file of a ``--config`` and the path inside it. A file or folder whose own name has a ``#`` is itself."""
    if "#" not in target or os.path.exists(target):  # noqa: PTH110 - a path as it is written
        return target, ""
    cuts = [at for at in range(len(target) - 1, -1, -1) if target[at] == "#"]
    cut = next((at for at in cuts if os.path.exists(target[:at]) and not os.path.isdir(target[:at])), cuts[0])  # noqa: PTH110, PTH112
    return target[:cut], target[cut + 1 :]


def config_options(file: str, paths: Iterable[str]) -> str:
    """What to give to greenroom to read what is at ``paths`` of ``file``: options for a shell."""
    import shlex

    targets = [f"{file}#{path}" for path in paths]
    return " or ".join(f"--config {target if _PLAIN.fullmatch(target) else shlex.quote(target)}" for target in targets)


def values_keys(keys: Keys) -> Keys | None:
    """The keys in the values of a chart, for ``keys`` of a file: an object of Argo CD or Flux has the values further down.

    ``None`` for what is no part of values: a file of a ConfigMap.
    """
    for at in range(len(keys) - 1, 0, -1):
        if keys[at] in ("values", "valuesObject") and keys[at - 1] in ("helm", "spec"):
            return keys[at + 1 :] or None
        if keys[at - 1] == "data" and keys[at].lower().endswith(_FILE):
            return keys[at + 1 :] or None
    return keys


class Manifest:
    """A file that may have app-configs inside."""

    def __init__(self, file: str, text: str) -> None:
        self._outer = Outer(file, text)
        self.documents = self._outer.documents()
        #: A text on the way to an app-config is values.
        self._values = partial(self._outer.inside, merges=True)

    def pick(self, path: str) -> Nested:
        """The app-config at ``path``: see :mod:`~generator.backstage.config.selector`."""
        selector = read_selector(path)
        meant = [item for number, item in enumerate(self.documents, 1) if selector.fits(number, item.value)]
        if not meant:
            which = f"{selector.kind} {selector.name!r}" if selector.kind else f"document {selector.number}"
            return Nested(problem=f"there is no {which} in it")
        steps: list[tuple[Document, Step]] = []
        furthest: tuple[Document, Step] | None = None
        for document in meant:
            found, last = ways(document.value, selector.path, self._values)
            steps += [(document, step) for step in found]
            if furthest is None or len(last.keys) > len(furthest[1].keys):
                furthest = (document, last)
        if len(steps) > 1:
            return Nested(problem=_ambiguous(path, [step for _, step in steps]), place=steps[1][1].mark)
        if steps:
            return self._value(path, *steps[0])
        assert furthest is not None
        return _stuck(selector.path, *furthest, self.documents)

    def _value(self, path: str, document: Document, step: Step) -> Nested:
        texts, value, text_at = [document, *step.texts], step.value, step.text_at
        if is_unquoted_template(value) or (isinstance(value, str) and is_whole_template(value)):
            problem = f"{path!r} is a template that Helm fills in, and nobody has"
            return Nested(problem=problem, place=step.mark, is_template=True)
        if isinstance(value, str) and step.mark is not None:
            texts.append(self._outer.inside(value, step.mark))
            value, text_at = texts[-1].value, step.keys
        found = Nested(
            problems=tuple(item for text in texts for item in text.problems),
            error=next((text.parsed.error for text in texts if text.parsed.error is not None), None),
            keys=step.keys,
            place=step.mark,
            shared=any(text.parsed.shared for text in texts),
            is_text=bool(values_keys(text_at)),
        )
        if not isinstance(value, ConfigMap):
            return found._replace(problem=f"{path!r} holds a value or a list, no keys")
        return found._replace(value=value)

    def find(self) -> list[Found]:
        """What looks like an app-config in the file: below ``appConfig``, or a file of a ConfigMap."""
        everything = (
            (number, *item)
            for number, document in enumerate(self.documents, 1)
            for item in self._search(document.value, (), None, {})
        )
        return [
            Found(self._path(number, keys), keys, value, mark) for number, keys, value, mark in islice(everything, _MOST)
        ]

    def _search(
        self, value: Any, keys: Keys, mark: Mark | None, empty: dict[int, int]
    ) -> Iterator[tuple[Keys, ConfigMap, Mark | None]]:
        """``empty``: how deep what is known to hold none was looked at. An alias or ``<<`` leads to it again, and what holds
        one is found at each of its places.
        """
        if len(keys) > _DEEPEST:
            return
        text, is_file = "", False
        if isinstance(value, str):
            if mark is None or not keys or not _MAY_HOLD.search(value):
                return
            text, is_file = value, keys[-1].lower().endswith(_FILE)
            value = self._outer.inside(text, mark).value
        if isinstance(value, ConfigMap) and keys and _is_config(keys[-1].lower(), value, is_file=is_file):
            yield keys, value, mark
            return
        if isinstance(value, (ConfigMap, ConfigList)) and empty.get(id(value), _DEEPEST + 1) > len(keys):
            found = False
            for item in self._below(self._values(text, mark).value if text and mark else value, keys, empty):
                found = True
                yield item
            if not found:
                empty[id(value)] = len(keys)

    def _below(self, value: Any, keys: Keys, empty: dict[int, int]) -> Iterator[tuple[Keys, ConfigMap, Mark | None]]:
        items = value.items() if isinstance(value, ConfigMap) else enumerate(value) if isinstance(value, ConfigList) else ()
        for key, item in items:
            if isinstance(item, (dict, list, str)):
                mark = value.marks[key] if isinstance(key, int) else value.marks.get(key)
                yield from self._search(item, (*keys, str(key)), mark, empty)

    def _path(self, number: int, keys: Keys) -> str:
        """The shortest path that means just these keys of this document."""
        paths = [".".join(keys), as_pointer(keys)]
        document = self.documents[number - 1].value
        if (name := name_of(document)) is not None:
            paths.append(f"{name[0]}/{name[1]}:{paths[0]}")
            paths.append(f"{name[0]}/{name[1]}:{paths[1]}")
        paths += [f"{number}:{paths[0]}"]
        return next((path for path in paths if self._means(path, number, keys)), f"{number}:{as_pointer(keys)}")

    def _means(self, path: str, number: int, keys: Keys) -> bool:
        selector = read_selector(path)
        found = [
            (at, step.keys)
            for at, document in enumerate(self.documents, 1)
            if selector.fits(at, document.value)
            for step in ways(document.value, selector.path, self._values)[0]
        ]
        return found == [(number, keys)]


def _is_config(key: str, value: ConfigMap, *, is_file: bool) -> bool:
    """Whether what is called ``key`` is an app-config. A file of any other name is one only where it plainly is."""
    parts = CONFIG_PARTS & value.keys()
    if key in _NAMES or (is_file and "app-config" in key):
        return bool(parts)
    return is_file and any(isinstance(value[part], ConfigMap) for part in parts)


def _ambiguous(path: str, steps: list[Step]) -> str:
    if steps[0].keys != steps[1].keys:
        return f"{path!r} can be read as {as_pointer(steps[0].keys)!r} and as {as_pointer(steps[1].keys)!r}"
    return f"more than one document has {path!r}"


def _stuck(path: str, document: Document, step: Step, documents: list[Document]) -> Nested:
    """Why ``path`` leads no further than ``step``."""
    texts = [document, *step.texts]
    broken = [text for text in (*texts, *documents) if text.parsed.error is not None]
    error = next((text.parsed.error for text in broken), None)
    problems = tuple(item for text in broken for item in text.problems)
    if step.keys and not isinstance(step.value, (dict, list, str)):
        return Nested(problem=f"{'.'.join(step.keys)!r} holds no keys", place=step.mark, problems=problems, error=error)
    done = len(".".join(step.keys)) + 1 if step.keys else 0
    after = path[done:].lstrip("/") if path.startswith("/") else path[done:].partition(".")[0]
    missing = as_pointer(step.keys) + "/" + after.partition("/")[0] if path.startswith("/") else ""
    missing = missing or ".".join([*step.keys, after])
    return Nested(problem=f"there is no {missing!r} in it", place=step.mark, problems=problems, error=error)
