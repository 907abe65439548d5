"""The registry of codes against the program: each code that is used is in it, with the severities it gets, and no other."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from update_docs import CODES, codes_page

from generator.lint.registry import RULES
from generator.lint.rules import adopted
from generator.preflight.recorder import CODES as CHECKS
from generator.problems.codes import FOLDER, all_codes, families, lookup
from generator.problems.diagnostic import Severity
from generator.problems.pages import address, page

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[2]
_CODE = re.compile(r"GR\d{3}")
_METHODS = {"error": Severity.ERROR, "warning": Severity.WARNING}
#: The methods of preflight's recorder, which takes the name of a check.
_CHECKS = {"failed": Severity.ERROR, "stop": Severity.ERROR, "warned": Severity.WARNING, "stop_ready": Severity.WARNING}


@dataclass
class Use:
    """Where a code is used, and the severities it is given there; none where that is decided elsewhere."""

    code: str
    place: str
    severities: set[Severity] = field(default_factory=set)
    is_argument: bool = False


def severities_in(node: ast.AST) -> set[Severity]:
    """Every severity that is named below ``node``: ``Severity.ERROR``, or the method ``error`` of diagnostics."""
    found = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute):
            if ast.unparse(inner.value) == "Severity" and inner.attr in Severity.__members__:
                found.add(Severity[inner.attr])
            elif inner.attr in _METHODS:
                found.add(_METHODS[inner.attr])
    return found


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.Constant]]:
    """The constants that a module gives a name: ``_CODE = "GR501"``."""
    for node in tree.body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        for target in node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]:
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs: list[tuple[object, object]] = list(zip(target.elts, value.elts, strict=False))
            else:
                pairs = [(target, value)]
            for name, given in pairs:
                if isinstance(name, ast.Name) and isinstance(given, ast.Constant):
                    yield name.id, given


class _Uses(ast.NodeVisitor):
    """Collects the codes of one module."""

    def __init__(self, tree: ast.Module, file: str) -> None:
        self.file = file
        self.found: list[Use] = []
        self.around: list[ast.AST] = []
        self.functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        self.constants = dict(_constants(tree))
        self.seen: set[int] = set()
        #: The severities that are given to codes which come from elsewhere in the module: in a variable, or an attribute.
        self.carried: set[Severity] = set()
        self.visit(tree)
        for use in self.found:
            if not use.severities and use.is_argument:
                use.severities = self.carried

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.around.append(node)
        self.generic_visit(node)
        self.around.pop()

    def visit_Call(self, node: ast.Call) -> None:
        if ast.unparse(node.func) == "Rule":  # a rule's own definition
            self.seen |= {id(inner) for inner in ast.walk(node)}
        for argument in node.args:
            codes = list(self._codes(argument))
            for constant, condition in codes:
                self.seen.add(id(constant))
                place = f"{self.file}:{node.lineno}"
                self.found.append(Use(str(constant.value), place, self._severities(node, condition), is_argument=True))
            if argument is node.args[0] and not codes and ast.unparse(argument).endswith("code"):
                self.carried |= self._severities(node, None)
        check = node.args[0] if node.args and isinstance(node.func, ast.Attribute) and node.func.attr in _CHECKS else None
        if isinstance(check, ast.Constant) and isinstance(node.func, ast.Attribute) and check.value in CHECKS:
            place = f"{self.file}:{node.lineno}"
            self.found.append(Use(CHECKS[check.value], place, {_CHECKS[node.func.attr]}))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if self._is_code(node) and id(node) not in self.seen:
            self.found.append(Use(str(node.value), f"{self.file}:{node.lineno}"))

    def _is_code(self, node: ast.Constant) -> bool:
        return isinstance(node.value, str) and _CODE.fullmatch(node.value) is not None

    def _codes(self, node: ast.AST) -> Iterator[tuple[ast.Constant, tuple[str, bool] | None]]:
        """The codes an argument can be, each with the condition under which it is and whether that has to hold."""
        if isinstance(node, ast.Constant) and self._is_code(node) and id(node) not in self.seen:
            yield node, None
        elif isinstance(node, ast.IfExp):
            for choice, holds in ((node.body, True), (node.orelse, False)):
                if isinstance(choice, ast.Constant) and self._is_code(choice):
                    yield choice, (ast.unparse(node.test), holds)
        elif isinstance(node, ast.Name) and node.id in self.constants and self._is_code(self.constants[node.id]):
            yield self.constants[node.id], None
        elif isinstance(node, ast.Name) and node.id == "code" and (value := self._assigned(node.id)) is not None:
            yield from self._codes(value)

    def _assigned(self, name: str) -> ast.expr | None:
        """What the function around gives the variable ``name``."""
        for inner in ast.walk(self.around[-1]) if self.around else ():
            if isinstance(inner, ast.Assign) and name in map(ast.unparse, inner.targets):
                return inner.value
        return None

    def _severities(self, node: ast.Call, condition: tuple[str, bool] | None) -> set[Severity]:
        """Of the call itself; else of the function it calls, or of the variable that holds it."""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        callee = self._assigned(name) or node.func
        if isinstance(callee, ast.IfExp) and condition is not None and ast.unparse(callee.test) == condition[0]:
            callee = callee.body if condition[1] else callee.orelse
        given = node.args[1:2]
        if given and isinstance(given[0], ast.Name):
            given = [self._assigned(given[0].id) or given[0]]
        own = severities_in(callee) | {item for part in given for item in severities_in(part)}
        if name == "Diagnostic" and not own:
            return severities_in(self.around[-1])
        return own or (severities_in(self.functions[name]) if name in self.functions else set())


def uses() -> list[Use]:
    """Every code in ``generator/`` and ``templates/`` that is not in the definition of a rule."""
    found: list[Use] = []
    for path in sorted((PROJECT / "generator").rglob("*.py")):
        if "compiled-templates" not in path.parts:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found += _Uses(tree, path.relative_to(PROJECT).as_posix()).found
    for path in sorted((PROJECT / "templates").rglob("*.j2")):
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            found += [Use(code, f"{path.relative_to(PROJECT)}:{number}") for code in re.findall(r"\bGR\d{3}\b", line)]
    return found


USES = uses()

#: What lint itself looks for is used by its definition: the rule is handed to `found`, with its severity.
LOOKED_FOR = {*RULES} - {rule.code for rule in adopted.RULES}


def where_to_add(code: str) -> str:
    """The one place for the entry of a code that has none."""
    before = [family.file for family in families() if family.codes[0].code <= code]
    entry = f"an entry [{code}] in generator/problems/codes/{before[-1] if before else families()[0].file}"
    rule = f"a `Rule` in generator/lint/rules with docs/lint/{code}.md"
    return f"{rule} (in adopted.py, where another stage reports it)" if code < "GR3" else f"{entry}, or {rule}"


def fail_with(problems: list[str], rule: str) -> None:
    if problems:
        pytest.fail("\n".join([rule, *(f"  {problem}" for problem in dict.fromkeys(problems))]), pytrace=False)


def test_every_code_that_is_used_is_in_the_registry() -> None:
    missing = [f"{use.place} uses {use.code}: it needs {where_to_add(use.code)}" for use in USES if not lookup(use.code)]
    fail_with(missing, "Codes that `greenroom explain` does not know:")


def test_every_code_in_the_registry_is_used() -> None:
    used = {use.code for use in USES} | LOOKED_FOR
    unused = [f"{code}: remove its entry" for code in all_codes() if code not in used]
    fail_with(unused, "Codes that nothing reports:")


def test_the_severities_are_those_of_the_registry() -> None:
    problems = []
    given: dict[str, set[Severity]] = {}
    for use in USES:
        known = lookup(use.code)
        if known is not None and use.severities:
            given.setdefault(use.code, set()).update(use.severities)
            odd = sorted(use.severities - set(known.severities))
            if odd:
                said = " or ".join(known.severities)
                problems.append(f"{use.place}: {use.code} is {' or '.join(odd)} here and {said} in the registry")
    for code in given.keys() - CHECKS.values():  # not every check is named where it is made
        known, severities = lookup(code), given[code]
        shown = {lower for (lowered, _), lower in adopted.LOWERED.items() if lowered == code}
        shown |= {RULES[code].severity} if code in LOOKED_FOR else set()
        if known is not None and (never := sorted(set(known.severities) - severities - shown)):
            problems.append(f"{code} is never {' or '.join(never)}, as the registry says")
    fail_with(problems, "Severities that differ:")


def test_the_severities_can_be_seen_where_the_codes_are_used() -> None:
    """The comparison above proves nothing about a code whose severity it cannot see: those are few, and known."""
    seen = {use.code for use in USES if use.severities} | LOOKED_FOR | {*CHECKS.values()}
    decided_later = {"GR910", "GR911", "GR912", "GR913", "GR914"}  # an error, or a note where --allow accepts it
    calls = "`diagnostics.error(…)`, `Diagnostic(…, Severity.ERROR, …)`"
    blind = [
        f"{use.place}: {use.code}: write the severity into the call ({calls})"
        for use in USES
        if use.code not in seen | decided_later
    ]
    fail_with(blind, "Severities that cannot be compared:")


def test_no_code_is_in_two_files() -> None:
    codes = [code.code for family in families() for code in family.codes]
    assert sorted(codes) == sorted(set(codes))
    for family in families():
        own = [code.code for code in family.codes]
        assert own == sorted(own), f"{family.file}: in the order of the codes, please"


def test_the_page_is_made_from_the_registry() -> None:
    assert CODES.read_text(encoding="utf-8") == codes_page(), "run `make goldens`, and look at the difference"


def test_every_code_has_a_page_with_what_matters() -> None:
    texts = {
        file: (PROJECT / file).read_text(encoding="utf-8") for file in {page(code).partition("#")[0] for code in all_codes()}
    }
    for code in all_codes():
        known = lookup(code)
        assert known is not None
        assert known.severities, code
        assert known.title.endswith((".", "`.")), code
        assert all((known.title, known.backstage, known.fix)), code
        file, _, anchor = page(code).partition("#")
        assert (f"### {code}\n" if anchor else f"# {code} ") in texts[file], code
        where = f"codes/#{anchor}" if anchor else f"lint/{code}/"  # of the site that `make docs` builds
        assert address(code) == f"https://greenroom.dev/{where}"


def test_what_the_texts_link_to_is_there() -> None:
    for family in families():
        for text in [family.backstage, *(part for code in family.codes for part in code[2:6])]:
            for target in re.findall(r"\]\(([^)#]+)", str(text)):
                assert (PROJECT / "docs" / target).is_file(), f"{family.file}: {target}"


def test_a_number_that_is_no_code_has_no_meaning() -> None:
    assert [lookup(code) for code in ("GR000", "GR299", "GR999", "gr501", "GR5010", "../GR001", "")] == [None] * 7
    assert FOLDER.is_dir()
