"""``greenroom schema NAME``."""

from __future__ import annotations

import click

from generator.cli.output import say_document


@click.command("schema")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """Print the JSON Schema NAME; without NAME, the names there are."""
    from generator.documents.schema import schema_names, schema_text

    names = schema_names()
    if name is None:
        say_document("".join(f"{name}\n" for name in names))
        return
    if name not in names:
        raise click.BadParameter(f"there is no schema {name!r}; there is {', '.join(names)}", param_hint="NAME")
    say_document(schema_text(name))
