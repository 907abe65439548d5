"""The options every command shares, and the request they make."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from generator.backstage.versions import VERSION_MESSAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.run.steps import Request

F = TypeVar("F", bound="Callable[..., Any]")

_PATH = click.Path(path_type=Path, readable=False)

_COMMON = (
    click.option("--root", type=_PATH, default=Path(), help="The folder of the Backstage repository. [default: this one]"),
    click.option(
        "--config",
        "config",
        multiple=True,
        metavar="PATH",
        help="An app-config file, as Backstage's --config; FILE#PATH for one inside Helm values or a ConfigMap. Repeatable.",
    ),
    click.option(
        "--settings", type=_PATH, metavar="PATH", help="greenroom.yaml. [default: the one here or above, or in --root]"
    ),
    click.option(
        "--environment", metavar="NAME", help="One of the `environments` in greenroom.yaml. [default: all of them]"
    ),
    click.option("--plugin", "plugins", multiple=True, metavar="ID", help="A plugin that needs a database. Repeatable."),
    click.option(
        "--env-file", "env_files", multiple=True, type=_PATH, metavar="PATH", help="Variables for ${…}. Repeatable."
    ),
    click.option(
        "--placeholders",
        type=click.Choice(["keep", "backstage"]),
        default="keep",
        show_default=True,
        help="keep: a ${VARIABLE} without a value stays one. backstage: do as Backstage would in this environment.",
    ),
    click.option(
        "--format",
        "output_format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Output format.",
    ),
    click.option("--quiet", is_flag=True, help="Only the result and errors."),
    click.option("--verbose", is_flag=True, help="More of what is done, and tracebacks of internal errors."),
    click.version_option(package_name="greenroom", prog_name="greenroom", message=VERSION_MESSAGE),
)


def common_options(function: F) -> F:
    """Add the shared options to a command; they arrive as keyword arguments for :func:`make_request`."""
    for option in reversed(_COMMON):
        function = option(function)
    return function


def with_formats(*formats: str) -> Callable[[click.Command], click.Command]:
    """The same command, whose ``--format`` knows ``formats``; the first is the default where there is no ``text``."""

    def change(command: click.Command) -> click.Command:
        for parameter in command.params:
            if parameter.name == "output_format":
                parameter.type = click.Choice(formats)
                if "text" not in formats:
                    parameter.default = formats[0]
        return command

    return change


#: Options that only decide how a command talks.
_TALK = ("output_format", "quiet", "verbose")


def same_command(*, without: tuple[str, ...] = ()) -> str:
    """The command that runs now, to be typed into a shell: with the same options, but those named and those on output."""
    import shlex

    context = click.get_current_context()
    words = ["greenroom", str(context.info_name)]
    for parameter in context.command.params:
        name = str(parameter.name)
        if name in (*_TALK, *without) or context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        value = context.params[name]
        if isinstance(parameter, click.Argument):
            words += map(str, value if isinstance(value, tuple) else (value,))
            continue
        option = max(parameter.opts, key=len)
        for item in value if isinstance(value, tuple) else (value,):
            words += [option] if item is True else [option, str(item)]
    return shlex.join(words)


def _upwards(*, quiet: bool) -> Path:
    """Where greenroom.yaml is: here, or in the nearest folder above within the repository; here, where there is none.

    A file that is not here is told, unless ``quiet``.
    """
    from generator.cli.output import say
    from generator.settings.read import FILE_NAME

    here = Path.cwd()
    for depth, folder in enumerate((here, *here.parents)):
        if (folder / FILE_NAME).is_file():
            found = Path(*[".."] * depth)
            if depth and not quiet:
                say(f"with {(found / FILE_NAME).as_posix()}", err=True)
            return found
        if (folder / ".git").exists():
            break
    return Path()


def make_request(
    *,
    root: Path,
    config: tuple[str, ...],
    settings: Path | None,
    plugins: tuple[str, ...],
    env_files: tuple[Path, ...],
    placeholders: str,
    environment: str | None = None,
    out: Path | None = None,
    targets: tuple[str, ...] = (),
    templates: Path | None = None,
    reads_environment: bool = False,
    **_output: Any,
) -> Request:
    """The request of a command line; output options (``--format``, ``--quiet``, ``--verbose``) are not part of it.

    ``reads_environment``: the command shows what is here. What is generated depends on files, and then only
    ``--placeholders backstage`` asks for the environment of this process.
    """
    from generator.run.steps import Request

    if not root.is_dir():
        raise click.BadParameter(f"{root} is not a folder", param_hint="--root")
    context = click.get_current_context()
    said = context.get_parameter_source("root") is ParameterSource.COMMANDLINE
    if settings is None and not config and not said:
        root = _upwards(quiet=bool(context.params.get("quiet")))
    ids = tuple(part for value in plugins for part in value.split(",") if part)
    return Request(
        root=root,
        config=config,
        settings=settings,
        plugins=ids,
        env_files=env_files,
        placeholders="backstage" if placeholders == "backstage" else "keep",
        environ=dict(os.environ) if reads_environment or placeholders == "backstage" else {},
        out=out,
        targets=targets,
        templates=templates,
        environment=environment,
    )


def environments_of(request: Request) -> dict[str, Request]:
    """A request for each environment that a command works on, by name.

    Raises:
        click.UsageError: there is no such environment, or an option for one is given to several.
    """
    from generator.run.environments import each_environment, known_environments
    from generator.run.shared import Shared
    from generator.settings.environments import unknown_environment

    request = request._replace(shared=Shared())
    known = known_environments(request)
    if request.environment is not None and known and request.environment not in known:
        raise click.BadParameter(unknown_environment(request.environment, known), param_hint="--environment")
    requests = each_environment(request)
    given = [option for option, value in (("--config", request.config), ("--env-file", request.env_files)) if value]
    if len(requests) > 1 and given:
        raise click.UsageError(
            f"{' and '.join(given)}: these files are of one environment; say which with --environment: {', '.join(requests)}"
        )
    return requests


def one_environment(request: Request) -> Request:
    """The request of a command that works on one environment.

    Raises:
        click.UsageError: there are several and none was chosen, or there is no such one.
    """
    requests = environments_of(request._replace(config=(), env_files=()))
    if len(requests) > 1:
        name = click.get_current_context().info_name
        raise click.UsageError(f"{name} is for one environment; choose it with --environment: {', '.join(requests)}")
    (only,) = requests.values()
    return only._replace(config=request.config, env_files=request.env_files)
