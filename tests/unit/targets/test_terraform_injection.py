"""No name and no value can change the structure of a configuration, not even one that the checks would refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hcl2
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from terraform_plans import Wanted, make_plan, render, retired, server

from generator.documents.values import Placeholder, Reference
from generator.planning.naming import label
from generator.targets.terraform import TARGET
from generator.targets.terraform.stores import STORES

if TYPE_CHECKING:
    from generator.planning.model import Plan

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
HOSTILE = st.lists(
    st.sampled_from(
        (
            '"',
            "\n",
            "\r\n",
            "\\",
            "${",
            "%{",
            "}",
            "{{",
            "}}",
            "{%",
            "#",
            "//",
            "/*",
            "*/",
            "<<EOT",
            "module",
            " ",
            "x",
            "`",
            "\u2028",
        )
    ),
    min_size=1,
    max_size=10,
).map("".join)
VALUE = TEXT | HOSTILE


def shape(value: Any) -> Any:
    """The structure of a parsed file: keys, nesting and what is a string, without what the strings say."""
    if isinstance(value, dict):
        return {("<text>" if key.startswith('"') else key): shape(child) for key, child in sorted(value.items())}
    if isinstance(value, list):
        return [shape(child) for child in value]
    return "<text>" if isinstance(value, str) and value.startswith('"') else type(value).__name__


def plan_of(ids: list[str], database: str, role: str, schema: str, secret: str, host: str, store: str) -> Plan:
    one, two, three = ids
    plan = make_plan(
        Wanted(one, database=database, role=role),
        Wanted(two, database=f"{database}2", schema=schema, role=f"{role}2"),
        Wanted(three, database=f"{database}3", role=f"{role}3"),
        store=store,
        servers=[
            server(host=Placeholder(host, (Reference("env", host),)), port=Placeholder(host, (Reference("env", host),)))
        ],
        gone=[
            retired("gone", database=database, role=role, schema=schema),
            retired("gone_too", database=f"{database}4", role=f"{role}4"),
            retired("gone_as_well", database=f"{database}5", role=f"{role}5", schema=schema),
        ],
    )
    return plan._replace(environment=host, roles=tuple(item._replace(secret_name=secret) for item in plan.roles))


@settings(max_examples=12, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    st.lists(VALUE, min_size=3, max_size=3, unique_by=label),
    *[VALUE] * 5,
    st.sampled_from(sorted(STORES)),
)
def test_the_structure_stays(
    ids: list[str], database: str, role: str, schema: str, secret: str, host: str, store: str
) -> None:
    labels = [label(item) for item in ids]
    assume(not any(item.startswith(("gone", "database_", "role_")) for item in labels))
    plan = plan_of(ids, database, role, schema, secret, host, store)
    plain = plan_of(labels, "database", "role", "schema", "secret", "HOST", store)
    # Sorted by id on one side and by label on the other: compared without the order of blocks.
    found, wanted = ({item.path: item.text for item in render(made)} for made in (plan, plain))
    assert found.keys() == wanted.keys()
    for path in found:
        if path.endswith((".tf", ".tftest.hcl")):
            documents = [hcl2.loads(text) for text in (found[path], wanted[path])]
            assert _blocks(documents[0]) == _blocks(documents[1]), path
    created = TARGET.read_back(render(plan))
    assert {item for item in created if item[0] == "role"} == {("role", "primary", item.name) for item in plan.roles}
    assert ("schema", "primary", f"{database}2", schema) in created


def _blocks(document: dict[str, Any]) -> dict[str, list[str]]:
    return {
        kind: sorted(str(shape(block)) for block in blocks) if isinstance(blocks, list) else [str(shape(blocks))]
        for kind, blocks in document.items()
        if kind != "__comments__"  # a plugin whose label is not its id has its id in a comment
    }
