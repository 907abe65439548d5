"""Rendering with a user's own templates in place of greenroom's."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from generator.problems.diagnostic import GreenroomError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from generator.run.project import Project

T = TypeVar("T")


def with_own_templates(project: Project, make: Callable[[], T]) -> T:
    """What ``make`` renders, with the project's own templates where there are some.

    Raises:
        GreenroomError: one of them cannot be used (GR650, GR651, GR686, GR687).
    """
    return each_with_own_templates(project, {"": make})[""]


def each_with_own_templates(project: Project, makers: Mapping[str, Callable[[], T]]) -> dict[str, T]:
    """The same of several: what is wrong with the templates of each is told at once."""
    folder = project.templates
    if folder is None:
        return {name: make() for name, make in makers.items()}
    from generator.targets.text.overrides import check_overrides, report_failure
    from generator.targets.text.templates import overridden

    made: dict[str, T] = {}
    check_overrides(folder, project.diagnostics)
    if not project.diagnostics.has_errors:
        with overridden(folder):
            for name, make in makers.items():
                try:
                    made[name] = make()
                except Exception as error:
                    if not report_failure(error, folder, project.diagnostics):
                        raise
    if project.diagnostics.has_errors:
        raise GreenroomError(project.diagnostics)
    return made
