"""Pairs of logins in Terraform: which modules there are, what they say, and what a rotation changes of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from terraform_plans import Wanted, make_plan, render

from generator.planning.pair import Pair, enter, leave, new_pair, retire, rotate
from generator.problems.diagnostic import Diagnostics
from generator.stores.names import STORES
from generator.targets.terraform import TARGET
from generator.targets.terraform.checks import check_plan
from generator.targets.terraform.logins import login_label

if TYPE_CHECKING:
    from generator.planning.model import Plan


def planned(*wanted: Wanted, version: int = 1, pair: Pair | None = None, store: str = "variables") -> Plan:
    plan = make_plan(*wanted or (Wanted("catalog"),))._replace(store=store)
    roles = {
        (role.server, role.name): role._replace(
            password_version=version, pair=pair or new_pair(version), secret_name=f"secret-{role.plugins[0]}"
        )
        for role in plan.roles
    }
    plugins = tuple(item._replace(role=roles[item.server, item.role.name]) for item in plan.plugins)
    return plan._replace(roles=tuple(roles.values()), plugins=plugins)


def files(plan: Plan) -> dict[str, str]:
    found = render(plan)
    assert TARGET.read_back(found) == TARGET.creates(plan)
    return {item.path.removeprefix("databases/"): item.text for item in found}


def call(plan: Plan, name: str) -> dict[str, str]:
    text = "\n".join(text for path, text in files(plan).items() if "/" not in path)
    block = re.search(rf'^module "{name}" {{\n(.*?)^}}', text, re.MULTILINE | re.DOTALL)
    assert block, text
    return dict(re.findall(r"^  (\w+) += (.+)$", block[1], re.MULTILINE))


def test_a_role_that_cannot_log_in_and_two_that_act_as_it() -> None:
    plan = planned()
    assert call(plan, "catalog") == {
        "source": '"./modules/postgresql-owner-database"',
        "plugin_id": '"catalog"',
        "database": '"backstage_plugin_catalog"',
        "role": '"backstage_catalog"',
    }
    assert call(plan, "login_catalog_a") == {
        "source": '"./modules/postgresql-login"',
        "role": '"backstage_catalog_a"',
        "login": "true",
        "owner": "module.catalog.role",
        "acts_as": "module.catalog.role",
        "databases": "[module.catalog.database]",
        "password": 'var.plugin_passwords["catalog.a"]',
        "password_version": "1",
        "depends_on": "[module.catalog]",
    }
    locked = call(plan, "login_catalog_b")
    assert (locked["login"], locked["password"]) == ("false", 'lookup(var.plugin_passwords, "catalog.b", null)')
    owner = files(plan)["modules/postgresql-owner-database/main.tf"]
    assert "login = false" in owner
    assert "password" not in owner.replace("any password is set", "")


def test_a_step_changes_one_call_and_no_other() -> None:
    version, pair = 1, new_pair(1)
    for step, name in ((rotate, "b"), (retire, "a"), (rotate, "a"), (retire, "b")):
        before = files(planned(version=version, pair=pair))
        version, pair = step(version, pair)
        plan = planned(version=version, pair=pair)
        after = files(plan)
        assert {path for path in after if before[path] != after[path]} <= {"logins.tf", "README.md"}
        other = "a" if name == "b" else "b"
        blocks = [re.split(r'(?=^module ")', text["logins.tf"], flags=re.MULTILINE)[1:] for text in (before, after)]
        kept = [next(block for block in half if f'"login_catalog_{other}"' in block) for half in blocks]
        # Comments say who is live; what Terraform reads is the same.
        was, now = (re.findall(r"^  \w+ += .+$", block, re.MULTILINE) for block in kept)
        assert was == now


def test_a_role_that_gets_a_pair_stays_what_it_is_until_the_first_retirement() -> None:
    single = make_plan(Wanted("catalog"))
    version, pair = enter(1, None)
    assert call(single, "catalog") == call(planned(pair=pair), "catalog")
    version, pair = retire(version, pair)
    assert call(planned(pair=pair), "catalog")["source"] == '"./modules/postgresql-owner-database"'
    # And back: the logins stay, without anything.
    version, pair = leave(version, pair)
    assert call(planned(version=version, pair=pair), "catalog")["password_version"] == "2"
    version, pair = retire(version, pair)
    left = call(planned(version=version, pair=pair), "login_catalog_a")
    assert left["login"] == "false"
    assert not {"owner", "acts_as", "databases"} & left.keys()


def test_the_guard_has_the_logins() -> None:
    assert '"login_catalog_a"' in files(planned())["guard.tf"]


def test_who_shares_a_database_acts_as_its_group() -> None:
    plan = planned(Wanted("auth", database="both"), Wanted("catalog", database="both"))
    found = call(plan, "login_catalog_a")
    assert (found["owner"], found["acts_as"]) == ("module.catalog.role", "module.database_both.group")
    assert call(plan, "catalog")["source"] == '"./modules/postgresql-owner-role"'


def test_what_is_set_for_the_owner_is_set_for_its_logins() -> None:
    plan = planned(Wanted("auth", database="portal", schema="auth"), Wanted("catalog", database="portal", schema="catalog"))
    assert call(plan, "login_catalog_b")["schema"] == '"catalog"'


@pytest.mark.parametrize("store", sorted(set(STORES) - {"variables"}))
def test_each_login_has_a_secret_of_its_own(store: str) -> None:
    plan = planned(store=store)
    secrets = [call(plan, f"login_catalog_{letter}")["secret_name"] for letter in "ab"]
    assert secrets == ['"secret-catalog-a"', '"secret-catalog-b"']
    assert "secret_name" not in call(plan, "catalog")
    found = files(plan)
    assert "secret-catalog-a" in found["README.md"]
    assert "secret-catalog-b" in found["README.md"]
    # A role that had a password: its secret is let go of, not destroyed.
    assert found["modules/postgresql-owner-database/main.tf"].count("removed {") > 1


def test_a_plugin_whose_module_would_be_that_of_a_login() -> None:
    diagnostics = Diagnostics()
    plan = planned(Wanted("catalog"), Wanted(login_label("catalog", "a")))
    check_plan(plan, diagnostics)
    assert [item.code for item in diagnostics] == ["GR614"]
