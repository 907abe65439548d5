"""What is named in one place: a target, and a store of passwords. Whoever adds one changes one line of what is there."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING

import pytest
from test_layering import DEPLOYED, PROJECT, SOURCES, all_imports, fail_with, shown

from generator.clouds import CLOUDS
from generator.lint.registry import RULES
from generator.settings.target_keys import target_key, target_name
from generator.stores.names import STORES
from generator.targets import TARGETS
from generator.targets.terraform.servers import KINDS
from generator.targets.terraform.stores.iam import CLOUDS as TERRAFORM_CLOUDS

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The package of each target.
PACKAGES = {name: entry.module for name, entry in TARGETS.items()}
MAPPING = "generator.targets"

#: Words that are the name of a target or a store and mean something else, by the module (or package) they are in.
OTHER_THINGS = {
    ("generator.backstage", "app-config"): "what Backstage calls its own files, and their schema",
    ("generator.init", "app-config"): "the files that were read, in a sentence",
    ("generator.cli.adopt", "app-config"): "the file a reader is told to change",
    ("generator.backstage.repository.dynamic", "kubernetes"): "a plugin of Backstage",
    ("generator.targets.cloudformation.functions", "sql"): "a parameter of the Data API",
    ("generator.targets", "variables"): "the variables of a template",
    ("generator.targets.cloudformation.checks", "aws-secretsmanager"): "the one store that this target can use",
}


def _constants(module: str, names: set[str]) -> Iterator[tuple[int, str]]:
    """Where a module has one of ``names`` as a whole text."""
    for node in ast.walk(ast.parse(SOURCES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names:
            yield node.lineno, node.value


def _inside(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")


def _means_it(module: str, word: str) -> bool:
    return not any(_inside(module, place) and word == other for place, other in OTHER_THINGS)


def test_a_target_is_imported_by_the_mapping_alone() -> None:
    problems = [
        shown(found)
        for found in all_imports()
        for package in PACKAGES.values()
        if _inside(found.imported, package) and not _inside(found.module, package)
    ]
    fail_with(problems, "A target's modules are its own: ask it through generator.targets.base.Target:")


def test_a_target_is_named_in_its_folder_and_the_mapping_alone() -> None:
    keys = {target_key(name) for name in TARGETS} - {"appConfig"}  # which is a key of its own as well
    problems = [
        f"{SOURCES[module].relative_to(PROJECT)}:{line}: {word!r}"
        for module in SOURCES
        if module != MAPPING
        for line, word in _constants(module, {*TARGETS, *keys})
        if not _inside(module, PACKAGES[target_name(word)]) and _means_it(module, word)
    ]
    fail_with(problems, "Say it in the target's line in generator/targets/__init__.py, or ask the target:")


def test_a_store_is_named_in_its_module_and_the_mapping_alone() -> None:
    problems = [
        f"{SOURCES[module].relative_to(PROJECT)}:{line}: {word!r}"
        for module in SOURCES
        if module != "generator.stores.names"
        for line, word in _constants(module, set(STORES))
        if module.rpartition(".")[2] != word.replace("-", "_") and _means_it(module, word)
    ]
    fail_with(problems, "Say it in the store's line in generator/stores/names.py, or ask the store:")


@pytest.mark.parametrize(("place", "word"), OTHER_THINGS, ids=" ".join)
def test_what_means_something_else_is_there(place: str, word: str) -> None:
    assert any(_inside(module, place) and list(_constants(module, {word})) for module in SOURCES)


def test_who_acts_as_whom_is_derived_in_the_plan_alone() -> None:
    """Whoever puts together what a role's group means asks generator/planning/access.py instead."""
    problems = []
    # The functions are given a request, and have no plan.
    modules = [name for name in SOURCES if not _inside(name, "generator.planning") and not _inside(name, DEPLOYED)]
    for module in modules:
        for node in ast.walk(ast.parse(SOURCES[module].read_text(encoding="utf-8"))):
            if isinstance(node, ast.BoolOp | ast.IfExp):
                read = [item for item in ast.walk(node) if isinstance(item, ast.Attribute)]
                # What is gone is in the lock file, and no longer in the plan.
                found = [item for item in read if item.attr in ("group", "is_common") and ast.unparse(item.value) != "gone"]
                if len(found) > 1:
                    problems.append(f"{SOURCES[module].relative_to(PROJECT)}:{node.lineno}: {ast.unparse(node)}")
    fail_with(problems, "Owners and memberships are in generator/planning/access.py:")


def test_a_fix_is_named_by_its_rule_alone() -> None:
    """Nothing in ``lint/fix`` knows a rule: a new one brings its fix along."""
    problems = [
        f"{SOURCES[module].relative_to(PROJECT)}: {node.value}"
        for module in SOURCES
        if _inside(module, "generator.lint.fix")
        for node in ast.walk(ast.parse(SOURCES[module].read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in RULES
    ]
    fail_with(problems, "Say it in the rule (generator.lint.model.Rule, fix):")


def test_no_target_reads_what_app_config_says_itself() -> None:
    """What a fragment has to repeat or undo comes from the resolver (generator/backstage/database/origin.py)."""
    problems = [
        f"{SOURCES[module].relative_to(PROJECT)}:{node.lineno}"
        for module in SOURCES
        if _inside(module, "generator.targets")
        for node in ast.walk(ast.parse(SOURCES[module].read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "merged"
    ]
    fail_with(problems, "Ask Origin or BaseOrigin for it:")


def test_the_settings_have_a_key_for_each_target() -> None:
    schema = json.loads((PROJECT / "schemas" / "settings.schema.json").read_text(encoding="utf-8"))
    assert {target_name(key) for key in schema["properties"]["targets"]["properties"]} == set(TARGETS)
    assert [target_name(target_key(name)) for name in TARGETS] == list(TARGETS)


def test_the_settings_and_the_targets_know_the_same_clouds() -> None:
    schema = json.loads((PROJECT / "schemas" / "settings.schema.json").read_text(encoding="utf-8"))["properties"]
    assert set(schema["credentials"]["properties"]["iam"]["enum"]) == set(CLOUDS) == set(TERRAFORM_CLOUDS)
    kinds = schema["servers"]["additionalProperties"]["properties"]["kind"]["enum"]
    assert {kind for cloud in CLOUDS.values() for kind in cloud.kinds} == {*kinds} - {"existing"}
    assert {*KINDS} == {*kinds}


def test_of_what_only_one_target_can_be_there_is_one() -> None:
    """A run asks for the app-config that was made, and for the size of a stack, without asking of which target."""
    assert sum(entry.is_app_config for entry in TARGETS.values()) == 1
    assert sum(entry.stack_plugins is not None for entry in TARGETS.values()) <= 1
