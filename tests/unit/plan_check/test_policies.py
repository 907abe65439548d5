"""The policies and plan-check give one verdict, on plans nobody thought of: the real OPA and jq decide about random ones."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "targets"))

from plan_documents import SOURCE, calls, change, document
from policies import Policies, find_jq, find_opa

from generator.plan_check.verdict import judge_plan

LABELS = ("auth", "search", "mine", "database_portal")
LEVELS = ("", "module.all.", 'module.all["a.module.x"].')
KINDS = (
    "postgresql_database.plugin",
    "postgresql_database.mine",
    "postgresql_role.plugin",
    "postgresql_role.group",
    "postgresql_grant.public",
    "google_secret_manager_secret_version.plugin",
    "kubernetes_secret_v1.plugin",
    "mysql_user.plugin",
)
OUTSIDE = ('terraform_data.kept["auth"]', 'terraform_data.kept["mine"]', "terraform_data.kept", "aws_db_instance.database")
ACTIONS = (
    ("no-op",),
    ("no-op",),
    ("create",),
    ("update",),
    ("forget",),
    ("delete",),
    ("delete", "create"),
    ("create", "delete"),
)


def address(random: Random) -> str:
    level = random.choice(LEVELS) if random.random() < 0.3 else ""
    if random.random() < 0.35:
        return level + random.choice(OUTSIDE)
    key = random.choice(['["a"]', "[0]"]) if random.random() < 0.1 else ""
    module = f"module.{random.choice(LABELS)}{key}." if random.random() < 0.9 else ""
    return f"{level}{module}{random.choice(KINDS)}"


def values(random: Random) -> dict[str, Any]:
    name = random.choice("xyz")
    return {"name": name, "user": name, "host": "%", "metadata": [{"name": name, "namespace": "n"}], "identifier": name}


def random_plan(seed: int) -> dict[str, Any]:
    random = Random(seed)
    changes = []
    for place in sorted({address(random) for _ in range(random.randint(0, 6))}):
        item = change(place, *random.choice(ACTIONS), before=values(random), after=values(random))
        if random.random() < 0.15:
            item["previous_address"] = address(random)
        if random.random() < 0.1:
            item["deposed"] = "a1"
        changes.append(item)
    called: dict[str, Any] = {}
    for label in LABELS:
        if random.random() < 0.5:
            called |= calls(label, source=random.choice([SOURCE, "./modules/mysql-user", "../mine", f"{SOURCE}/x"]))
    if random.random() < 0.3:
        called["all"] = {"source": "./databases", "module": {"module_calls": dict(called)}}
    more: dict[str, Any] = {}
    if random.random() < 0.1:
        more["complete"] = False
    if random.random() < 0.1:
        more["errored"] = True
    if random.random() < 0.1:
        more["format_version"] = random.choice(["2.0", "0.1", None, "1.9"])
    known = [item["address"] for item in changes]
    prior = tuple({*known, *([address(random)] if random.random() < 0.3 else [])})
    return document(*changes, called=called, prior=prior, **more)


def verdict(plan: dict[str, Any]) -> tuple[int, set[str]]:
    if not str(plan["format_version"]).startswith("1."):
        return 1, set()
    report = judge_plan(plan, "x")
    return {"fine": 0, "unknown": 1, "refused": 3}[report.verdict], {finding.address for finding in report.findings}


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    return Policies(tmp_path_factory.mktemp("policy"))


def test_the_plans_are_of_every_kind() -> None:
    codes = [verdict(random_plan(seed))[0] for seed in range(600)]
    assert all(codes.count(code) > 40 for code in (0, 1, 3)), {code: codes.count(code) for code in (0, 1, 3)}


def test_opa(policies: Policies) -> None:
    seeds = range(600)
    denied = policies.opa(find_opa(), [random_plan(seed) for seed in seeds])
    suffix = " would be deleted or replaced"
    for seed, found in zip(seeds, denied, strict=True):
        code, lost = verdict(random_plan(seed))
        if "format 1" not in "".join(found):
            assert {text.removesuffix(suffix) for text in found if text.endswith(suffix)} == lost, seed
        assert bool(found) == bool(code), (seed, found)


def test_jq(policies: Policies) -> None:
    jq = find_jq()
    for seed in range(150):
        plan = random_plan(seed)
        code, lost = verdict(plan)
        assert policies.run_jq(jq, plan) == (code, lost if code == 3 else set()), seed
