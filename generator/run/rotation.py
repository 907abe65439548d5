"""What a run has to say about passwords that rotate between two logins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.targets import TARGETS

if TYPE_CHECKING:
    from generator.planning.model import Plan
    from generator.run.project import Project


def check_targets(project: Project, plan: Plan) -> None:
    """Report targets of this run that create no pairs of logins (GR557): their roles would log in by themselves."""
    if not any(role.login_names for role in plan.roles):
        return
    without = [name for name in project.layout.targets if not TARGETS[name].makes_pairs]
    if not without:
        return
    others = " ".join(f"--target {other}" for other in TARGETS if TARGETS[other].makes_pairs)
    several = len(without) > 1
    project.diagnostics.error(
        "GR557",
        f"the target{'s' if several else ''} {', '.join(without)} cannot create a pair of logins for a role, and "
        "credentials.rotation is or was pair",
        project.settings.locations.get("credentials.rotation"),
        path="credentials.rotation",
        hint=f"generate without {'them' if several else 'it'} ({others}, or the same below `targets` in greenroom.yaml), or "
        "set credentials.rotation to in-place",
    )
