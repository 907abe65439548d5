"""``greenroom init``."""

from __future__ import annotations

from pathlib import Path

import click

from generator.backstage.versions import VERSION_MESSAGE


@click.command("init")
@click.option(
    "--root",
    type=click.Path(path_type=Path, readable=False),
    default=Path(),
    help="The folder of the Backstage repository. [default: this one]",
)
@click.option(
    "--config",
    "config",
    multiple=True,
    metavar="PATH",
    help="An app-config file, as Backstage's --config. Repeatable. [default: those production starts with]",
)
@click.option(
    "--settings",
    type=click.Path(path_type=Path, readable=False),
    metavar="PATH",
    help="The file to write. [default: greenroom.yaml in --root]",
)
@click.option("--stdout", "to_stdout", is_flag=True, help="Print the file instead of writing it.")
@click.option("--quiet", is_flag=True, help="Only the result and errors.")
@click.option("--verbose", is_flag=True, help="More of what is done, and tracebacks of internal errors.")
@click.version_option(package_name="greenroom", prog_name="greenroom", message=VERSION_MESSAGE)
def command(
    *, root: Path, config: tuple[str, ...], settings: Path | None, to_stdout: bool, quiet: bool, verbose: bool
) -> int:
    """Write a commented greenroom.yaml from what is found.

    The app-config files production starts with, the plugins of the backend, the servers and what the connections to them
    point at, the database manager of an old backend. Every other key is there as a comment with its default. A file
    that is there already is never overwritten.
    """
    import shlex

    from generator.cli.output import say, say_text, show_diagnostics
    from generator.init import start
    from generator.init.write import refuse_existing, write_new
    from generator.settings.read import FILE_NAME

    if not root.is_dir():
        raise click.BadParameter(f"{root} is not a folder", param_hint="--root")
    path = settings or root / FILE_NAME
    if not to_stdout:
        refuse_existing(path)
    found = start(root, config=config, folder=path.parent)
    show_diagnostics(found.diagnostics, quiet=quiet)
    if not found.text:
        return 1
    if to_stdout:
        say_text(found.text)
        return 0
    write_new(path, found.text)
    if not quiet:
        words = ["greenroom", "generate"]
        words += ["--root", str(root)] if root != Path() else []
        words += ["--settings", str(settings)] if settings else []
        count = f"{len(found.plugins)} plugin{'' if len(found.plugins) == 1 else 's'}"
        servers = f"{len(found.servers)} server{'' if len(found.servers) == 1 else 's'}"
        say(f"{path.as_posix()} written: {count} on {servers}", err=True)
        missing = [
            *(["name the backend's plugins in it under plugins.include"] if not found.plugins else []),
            *([f"give the value of {' and '.join(found.unknown)} in it under values"] if found.unknown else []),
        ]
        todo = f"{' and '.join(missing)}, then" if missing else "next:"
        say(f"{todo} `{shlex.join(words)}`", err=True)
    return 0
