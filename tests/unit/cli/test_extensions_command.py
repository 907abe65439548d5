"""``plugins.extensions``: what cannot be is said when generating, and what a hint says ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.cli.app import run

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
backend:
  database:
    client: {client}
    pluginDivisionMode: {mode}
    connection: {{host: localhost, port: 5432, user: none, password: "${{PW}}", database: portal}}
    plugin: {{{plugin}}}
"""


@pytest.fixture
def generate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)

    def call(
        plugins: str, *targets: str, client: str = "pg", mode: str = "schema", plugin: str = "", ignore: str = ""
    ) -> tuple[int, str]:
        (tmp_path / "app-config.yaml").write_text(CONFIG.format(client=client, mode=mode, plugin=plugin))
        (tmp_path / "greenroom.yaml").write_text(f"version: 1\nplugins: {{discover: false, {plugins}}}\n{ignore}")
        words = [word for target in targets or ("sql",) for word in ("--target", target)]
        code = run(["generate", *words])
        return code, capsys.readouterr().err

    return call


def test_two_schemas_of_one_database(generate) -> None:  # type: ignore[no-untyped-def]
    """A database has an extension once. The hint: another database for one of them."""
    wanted = "include: [a, b], extensions: {a: [pg_trgm], b: [pg_trgm]}"
    code, said = generate(wanted)
    assert code == 1
    assert "GR553" in said
    code, said = generate(wanted, plugin="b: {connection: {database: portal_b}}")
    assert code == 0
    assert "GR553" not in said


def test_a_plugin_that_is_not_there(generate) -> None:  # type: ignore[no-untyped-def]
    code, said = generate("include: [a], extensions: {aa: [pg_trgm]}")
    assert code == 0
    assert "greenroom.yaml:2:" in said
    assert "the extensions of 'aa' are not created" in said
    assert "GR554" not in generate("include: [a], extensions: {a: [pg_trgm]}")[1]


def test_what_the_catalogue_knows_and_an_empty_list(generate, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    generate("include: [qeta], extensions: {qeta: []}")
    (script,) = (tmp_path / "infra/sql").glob("*.sql")
    assert "create_extension" not in script.read_text()
    generate("include: [qeta]")
    assert "'pg_trgm'" in script.read_text()


def test_cloudformation_says_that_it_does_not(generate) -> None:  # type: ignore[no-untyped-def]
    code, said = generate("include: [qeta]", "cloudformation")
    assert code == 0, said
    assert "GR555" in said
    assert "CREATE EXTENSION pg_trgm SCHEMA qeta" in said
    ignore = "ignore: [{code: GR555, reason: created by hand}]\n"
    assert "GR555" not in generate("include: [qeta]", "cloudformation", ignore=ignore)[1]
