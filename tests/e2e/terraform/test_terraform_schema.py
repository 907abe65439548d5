"""Every resource, block and argument for AWS, Google Cloud and Azure exists in its provider's schema, and none is missing.

The providers themselves cannot be run here. Their bindings for TypeScript were generated from their schemas.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from terraform_plans import MADE, Wanted, every_server, files, in_store, make_plan, with_secrets
from terraform_schema import PACKAGES, Block, blocks, fetch_bindings, read_bindings, violations

PROJECT = Path(__file__).resolve().parents[3]
#: Newer than the newest bindings (azurerm 5.2). test_terraform_validate.py has the real provider look at it.
NEWER = {"azurerm.features.skip_import_check_on_create_and_allow_overwriting_existing_resources does not exist"}


def generated() -> list[tuple[str, Block]]:
    """Every block that is generated for any store and any kind of server."""
    texts = {}
    plan = make_plan(Wanted("auth"), Wanted("search", database="b", schema="search"))
    tags = (("team", "portal"),)
    for store in MADE:
        texts |= {f"{store}/{path}": text for path, text in files(in_store(plan, store)._replace(tags=tags)).items()}
        texts |= {f"{store}, there/{path}": text for path, text in files(with_secrets(store)).items()}
    texts |= every_server()
    return [(path, block) for path, text in texts.items() if path.endswith(".tf") for block in blocks(text)]


@pytest.fixture(scope="module")
def folder() -> Path:
    """Where the bindings are kept."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed: the bindings with the schemas cannot be had")
    return Path(os.environ.get("GREENROOM_BINDINGS_DIR") or PROJECT / ".cache" / "bindings")


@pytest.mark.parametrize("provider", sorted(PACKAGES))
def test_what_is_generated_is_in_the_schema(provider: str, folder: Path) -> None:
    found: dict[str, list[tuple[str, Block]]] = defaultdict(list)
    for path, block in generated():
        if block.provider == provider:
            found[block.binding].append((path, block))
    assert len(found) >= 4
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{provider}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            texts = fetch_bindings(provider, found, folder)
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
            pytest.skip(f"the bindings with the schema cannot be had: {error}")
    problems = {f"{name}: there is no such thing" for name in found if name not in texts}
    for name, text in texts.items():
        schema = read_bindings(text)
        assert schema, name
        for path, block in found[name]:
            unknown = set(violations(block.body, schema, block.type)) - NEWER
            problems |= {f"{item} ({path})" for item in unknown}
    assert sorted(problems) == []


def test_what_is_wrong_is_found() -> None:
    text = """
export interface ThingConfig extends cdktf.TerraformMetaArguments {
    /**
    * Docs: {@link https://example.com/docs/thing#name Thing#name}
    */
    readonly name: string;
    /**
    * part block
    *
    * Docs: {@link https://example.com/docs/thing#part Thing#part}
    */
    readonly part?: ThingPart[] | cdktf.IResolvable;
}
export interface ThingPart {
    /**
    * Docs: {@link https://example.com/docs/thing#size Thing#size}
    */
    readonly size: number;
}
    constructor(scope: Construct, id: string, config: ThingConfig);
"""
    schema = read_bindings(text)
    (block,) = blocks('resource "x_thing" "y" {\n  nam = "a"\n  id = "b"\n  part {\n    siz = 1\n  }\n}\n')
    assert sorted(violations(block.body, schema, block.type)) == [
        "x_thing lacks name",
        "x_thing.id does not exist",
        "x_thing.nam does not exist",
        "x_thing.part lacks size",
        "x_thing.part.siz does not exist",
    ]
