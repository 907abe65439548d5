"""A user's own Terraform files beside the generated ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator import Request, load, plan, render, resolve
from generator.output.write.tree import write_tree
from generator.problems.diagnostic import GreenroomError

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "backend: {database: {client: pg, connection: {host: db.example.com}, plugin: {auth: {}, catalog: {}}}}\n"
FOLDER = "infra/terraform/databases"


def problems(root: Path, files: dict[str, str], *, config: str = CONFIG) -> list[str]:
    """What is said about ``files``, as ``file:line code summary``; generates, and writes where nothing is wrong."""
    (root / "app-config.yaml").write_text(config)
    for name, text in files.items():
        path = root / FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    project = load(Request(root=root, environ={}))
    resolved = resolve(project)
    try:
        rendering = render(project, resolved, plan(project, resolved))
        write_tree(rendering.files, rendering.delete, owned=rendering.owned, folder=project.layout.base)
    except GreenroomError as error:
        found = error.diagnostics
    else:
        found = list(project.diagnostics)
    places = [(item.location, item) for item in found]
    return [
        f"{place.file.rsplit('/', 1)[-1]}:{place.line} {item.code} {item.summary}"
        if place
        else f"{item.code} {item.summary}"
        for place, item in places
    ]


MINE = """\
terraform {
  backend "s3" {
    bucket = "state" # greenroom has no opinion
  }
}

provider "aws" {
  region = "eu-central-1"
}

resource "aws_s3_bucket" "catalog" {}

import {
  to = module.auth.postgresql_role.plugin
  id = "backstage_auth"
}
"""


def test_what_clashes_with_nothing_is_left_alone(tmp_path: Path) -> None:
    assert problems(tmp_path, {"backend.tf": MINE, "notes.txt": "module {", "modules/mine/main.tf": 'variable "a" {}'}) == []
    assert (tmp_path / FOLDER / "backend.tf").read_text() == MINE
    assert problems(tmp_path, {}) == []  # a second time greenroom knows its own files


CLASHES = """\
module "catalog" {
  source = "./mine"
}
variable "primary_host" {}
variable primary_port {}
output "plugins" { value = 1 }
provider "postgresql" {
  host = "x"
}
provider "postgresql" {
  alias = "mine"
}
terraform {
  required_version = ">= 1.0"
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
removed {
  from = module.auth
  lifecycle { destroy = false }
}
moved {
  from = module.catalog
  to   = module.entities
}
"""


def test_every_clash_at_its_place(tmp_path: Path) -> None:
    assert problems(tmp_path, {"mine.tf": CLASHES}) == [
        "mine.tf:1 GR641 the module 'catalog' is in the generated plugins.tf as well",
        "mine.tf:4 GR641 the variable 'primary_host' is in the generated variables.tf as well",
        "mine.tf:5 GR641 the variable 'primary_port' is in the generated variables.tf as well",
        "mine.tf:6 GR641 the output 'plugins' is in the generated outputs.tf as well",
        "mine.tf:7 GR641 the provider 'postgresql' is in the generated providers.tf as well",
        "mine.tf:15 GR641 the block `required_providers` is in the generated terraform.tf as well",
        "mine.tf:19 GR641 a `removed` block for module.auth, which the generated plugins.tf has",
        "mine.tf:23 GR641 a `moved` block for module.catalog, which the generated plugins.tf has",
    ]
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["mine.tf"]  # nothing was written


def test_json_too(tmp_path: Path) -> None:
    text = '{\n  "module": {\n    "catalog": {"source": "./x"}\n  },\n  "variable": [{"primary_host": {}}, {"own": {}}]\n}\n'
    assert problems(tmp_path, {"mine.tf.json": text}) == [
        "mine.tf.json:3 GR641 the module 'catalog' is in the generated plugins.tf as well",
        "mine.tf.json:5 GR641 the variable 'primary_host' is in the generated variables.tf as well",
    ]


def test_an_override_is_pointed_out(tmp_path: Path) -> None:
    text = 'provider "postgresql" {\n  max_connections = 40\n}\n'
    assert problems(tmp_path, {"provider_override.tf": text}) == [
        "provider_override.tf:1 GR643 this changes the provider 'postgresql' of the generated providers.tf, and greenroom "
        "does not see how"
    ]
    assert (tmp_path / FOLDER / "plugins.tf").exists()


def test_a_file_opentofu_would_read_instead(tmp_path: Path) -> None:
    assert problems(tmp_path, {"plugins.tofu": "# nothing\n"}) == [
        "plugins.tofu:0 GR641 OpenTofu reads this file in place of the generated plugins.tf"
    ]


def test_in_a_module_as_well(tmp_path: Path) -> None:
    text = 'variable "role" {}\nresource "postgresql_database" "plugin" {\n  name = "x"\n}\n'
    assert problems(tmp_path, {"modules/postgresql-database/more.tf": text}) == [
        "more.tf:1 GR641 the variable 'role' is in the generated variables.tf as well",
        "more.tf:2 GR641 the resource 'postgresql_database.plugin' is in the generated main.tf as well",
    ]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("mine.tf", 'module "x" {\n  a =\n}\n', "mine.tf:2 GR642 mine.tf is not HCL"),
        ("mine.tf", 'module "x" {\n', "mine.tf:2 GR642 mine.tf is not HCL"),
        ("mine.tf.json", '{"a": }', "mine.tf.json:1 GR642 mine.tf.json is not JSON: Expecting value"),
        ("mine.tf.json", "[]", "mine.tf.json:1 GR642 mine.tf.json is not JSON: not an object"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, text: str, problem: str) -> None:
    assert problems(tmp_path, {name: text}) == [problem]


def test_it_is_reported_together_with_what_is_wrong_elsewhere(tmp_path: Path) -> None:
    config = CONFIG.replace("auth: {}", "auth: {connection: {database: 'a b'}}")
    assert [line.split()[1] for line in problems(tmp_path, {"mine.tf": "x {\n"}, config=config)] == ["GR611", "GR642"]
