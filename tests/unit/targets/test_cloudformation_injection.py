"""No name and no value can change the structure of a template, not even one that the checks would refuse."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from cloudformation_plans import files, render
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from terraform_plans import Wanted, make_plan, server

from generator.documents.values import Placeholder, Reference
from generator.targets.cloudformation import TARGET
from generator.targets.cloudformation.escaping import (
    DYNAMIC_REFERENCE,
    code,
    logical_id,
    logical_part,
    secret_template,
    sub_text,
    text,
)
from generator.targets.cloudformation.readback import Function, load_template

if TYPE_CHECKING:
    from generator.planning.model import Plan

PLAIN = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
HOSTILE = st.lists(
    st.sampled_from(
        (
            '"',
            "'",
            "\n",
            "\r\n",
            "\\",
            "${",
            "${AWS::AccountId}",
            "${!x}",
            "}",
            "{{",
            "resolve:ssm:x}}",
            "!Sub ",
            "!Ref x",
            "Fn::Sub",
            ": ",
            "- ",
            "#",
            " #",
            "&a",
            "*a",
            "|",
            ">",
            "%",
            "@",
            "`",
            "---",
            "\t",
            "\u2028",
            "\x85",
            "\ufeff",
            "x",
            "5",
            "true",
        )
    ),
    min_size=1,
    max_size=10,
).map("".join)
VALUE = (PLAIN | HOSTILE).filter(lambda value: DYNAMIC_REFERENCE not in value)


def shape(value: Any) -> Any:
    """The structure of a parsed template: keys, nesting and functions, without what the texts say."""
    if isinstance(value, Function):
        return (value.name, shape(value.value))
    if isinstance(value, dict):
        return {key: shape(child) for key, child in sorted(value.items())}
    if isinstance(value, list):
        return [shape(child) for child in value]
    return type(value).__name__


def plan_of(database: str, role: str, schema: str, host: str, tag: str) -> Plan:
    made = make_plan(
        Wanted("one", database=database, role=role),
        Wanted("two", database=f"{database}2", role=f"{role}2", schema=schema),
        Wanted("three", database=f"{database}2", role=f"{role}3", schema=f"{schema}3"),
        servers=[server(host=Placeholder(host, (Reference("env", "X"),)))],
    )
    return made._replace(tags=(("team", tag),))


def parsed(plan: Plan) -> dict[str, Any]:
    return load_template(files(plan)["databases.yaml"])


@settings(max_examples=40)
@given(database=VALUE, role=VALUE, schema=VALUE, host=VALUE, tag=VALUE)
def test_names_and_values_stay_what_they_are(database: str, role: str, schema: str, host: str, tag: str) -> None:
    assume(len({database, f"{database}2", role, f"{role}2", f"{role}3"}) == 5)
    plan = plan_of(database, role, schema, host, tag)
    found, plain = parsed(plan), parsed(plan_of("database", "role", "schema", "HOST", "tag"))
    shared = [next(name for name in template["Resources"] if name.startswith("Shared")) for template in (found, plain)]
    one, two = (
        json.dumps(shape(template)).replace(name, "Shared") for template, name in zip((found, plain), shared, strict=True)
    )
    assert one == two
    assert TARGET.read_back(render(plan)) >= {
        ("database", "primary", database),
        ("role", "primary", role),
        ("schema", "primary", f"{database}2", schema),
    }
    resources = found["Resources"]
    tags = {item["Key"]: item["Value"] for item in resources["PluginOneSecret"]["Properties"]["Tags"]}
    assert tags["team"] == tag
    made = resources["PluginOneSecret"]["Properties"]["GenerateSecretString"]["SecretStringTemplate"]
    assert json.loads(made) == {"username": role, "passwordVersion": 1}
    assert not {"${", DYNAMIC_REFERENCE} & {made[index : index + 2] for index in range(len(made))}


@given(ids=st.lists(VALUE, min_size=2, max_size=4, unique=True))
def test_plugin_ids_make_logical_ids_of_their_own(ids: list[str]) -> None:
    made = {logical_id("Plugin", logical_part(name), "Database") for name in ids}
    assert len(made) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9]{1,255}", name) for name in made)


@settings(max_examples=40)
@given(ids=st.lists(VALUE, min_size=1, max_size=3, unique=True))
def test_plugin_ids_stay_in_their_place(ids: list[str]) -> None:
    plan = make_plan(*[Wanted(name, database=f"d{number}", role=f"r{number}") for number, name in enumerate(ids)])
    resources = parsed(plan)["Resources"]
    custom = [item["Properties"] for item in resources.values() if item["Type"] == "Custom::PluginDatabase"]
    assert sorted(item["PluginId"] for item in custom) == sorted(ids)
    assert len(resources) == 10 + 2 * len(ids)


@pytest.mark.parametrize("value", ["a\0b", "\ud800", "{{resolve:ssm:x}}"])
def test_what_no_template_can_hold_is_refused(value: str) -> None:
    for filter_ in (text, sub_text):
        with pytest.raises(ValueError, match="cannot hold this text") as raised:
            filter_(value)
        assert value not in str(raised.value)


def test_no_secret_template_refers_to_anything() -> None:
    hostile = "a${b}{{resolve:x}}'\"\\"
    made = secret_template({"username": hostile, "passwordVersion": 1})
    assert "${" not in made
    assert "{{" not in made
    (only,) = load_template(f"x: {made}").values()
    assert json.loads(only) == {"username": hostile, "passwordVersion": 1}


@given(VALUE)
def test_code_stays_on_its_line_and_in_its_cell(value: str) -> None:
    made = code(value)
    assert not set(made) & set("`|\n\r")


def test_parts_of_ids() -> None:
    assert logical_part("catalog") == "Catalog"
    assert logical_part("tech-insights") == "TechInsights"
    assert re.fullmatch(r"AB[0-9a-f]{8}", logical_part("a_b"))
    assert len(logical_part("x" * 300)) == 108
    with pytest.raises(ValueError, match="not a logical id"):
        logical_id("", "5")
