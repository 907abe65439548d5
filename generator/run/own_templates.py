"""Rendering with a user's own templates in place of greenroom's."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from generator.problems.diagnostic import GreenroomError

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.run.project import Project

T = TypeVar("T")


def with_own_templates(project: Project, make: Callable[[], T]) -> T:
    """What ``make`` renders, with the project's own templates where there are some.

    Raises:
        GreenroomError: one of them cannot be used (GR650, GR651, GR686, GR687).
    """
    folder = project.templates
    if folder is None:
        return make()
    from generator.targets.text.overrides import check_overrides, report_failure
    from generator.targets.text.templates import overridden

    check_overrides(folder, project.diagnostics)
    if not project.diagnostics.has_errors:
        with overridden(folder):
            try:
                return make()
            except Exception as error:
                if not report_failure(error, folder, project.diagnostics):
                    raise
    raise GreenroomError(project.diagnostics)
