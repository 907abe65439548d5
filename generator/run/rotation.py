"""What a run has to say about passwords that rotate between two logins, and the steps of a rotation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from generator.planning.pair import is_unfinished, lock_now, retire, rotate
from generator.problems.diagnostic import Diagnostic, Severity
from generator.stores.names import makes_secrets
from generator.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from generator.planning.model import Plan, Role
    from generator.planning.pair import Pair
    from generator.problems.diagnostic import Diagnostics
    from generator.run.project import Project

Step = Literal["rotate", "retire", "now"]

_KEY: Final = "credentials.rotation"
_STEPS: Final[dict[Step, Callable[[int, Pair], tuple[int, Pair]]]] = {"rotate": rotate, "retire": retire, "now": lock_now}


class Standing(NamedTuple):
    """Where the rotation of one role stands.

    ``kind`` is ``pair``, ``in-place`` or ``none`` (no password). ``leaving`` are the logins that may log in besides the live
    one, until they are retired.
    """

    plugins: tuple[str, ...]
    server: str
    role: str
    kind: str
    live: str
    variable: str
    version: int
    leaving: tuple[str, ...]

    @property
    def state(self) -> str:
        """One word or a few for a table."""
        if self.kind == "none":
            return "no password"
        if self.leaving:
            return "unfinished"
        return "finished" if self.kind == "pair" else "in place"

    def to_json(self) -> dict[str, Any]:
        """The shape of ``rotations[]`` in ``rotate --check --format json``."""
        return {
            "plugins": list(self.plugins),
            "server": self.server,
            "role": self.role,
            "kind": self.kind,
            "live": self.live,
            "passwordVersion": self.version,
            "leaving": list(self.leaving),
            "unfinished": bool(self.leaving),
        }


def standings(roles: Sequence[Role]) -> list[Standing]:
    """Where the rotation of each of ``roles`` stands, sorted by plugin."""
    found = [
        Standing(
            plugins=role.plugins,
            server=role.server,
            role=role.name,
            kind="none" if role.iam is not None else "pair" if role.has_pair else "in-place",
            live=role.live.name,
            variable=role.live.delivery.file or role.live.delivery.env,
            version=role.password_version,
            leaving=tuple(login.name for login in role.leaving),
        )
        for role in roles
    ]
    return sorted(found)


def unfinished(roles: Sequence[Role]) -> list[Role]:
    """The roles of which somebody besides the live login may log in."""
    return [role for role in roles if role.pair is not None and is_unfinished(role.password_version, role.pair)]


def turned(plan: Plan, roles: Collection[Role], step: Step) -> Plan:
    """``plan`` after ``step`` of the rotation of ``roles``; all other roles stay as they are.

    Raises:
        ValueError: the step is not possible for one of them.
    """
    changed = {
        (role.server, role.name): role._replace(password_version=made[0], pair=made[1])
        for role in roles
        if role.pair is not None
        for made in (_STEPS[step](role.password_version, role.pair),)
    }
    return plan._replace(
        roles=tuple(changed.get((role.server, role.name), role) for role in plan.roles),
        plugins=tuple(
            plugin._replace(role=changed.get((plugin.server, plugin.role.name), plugin.role)) for plugin in plan.plugins
        ),
    )


# --- what there is to say in every run ------------------------------------------------------------------------------------


def _command(project: Project, *words: str) -> str:
    """``greenroom rotate`` with ``words``, for the environment of ``project`` where there are several."""
    name = project.settings.one_of_several
    return " ".join(["greenroom rotate", *(["--environment", name] if name else []), *words])


def check_targets(project: Project, plan: Plan) -> None:
    """Report targets of this run that create no pairs of logins (GR557): their roles would log in by themselves."""
    if not any(role.logins for role in plan.roles):
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
        project.settings.locations.get(_KEY),
        path=_KEY,
        hint=f"generate without {'them' if several else 'it'} ({others}, or the same below `targets` in greenroom.yaml), or "
        "set credentials.rotation to in-place"
        if any(role.has_pair for role in plan.roles)
        else f"end the rotation first: `{_command(project, '--retire')} {others}`, and apply that",
    )


def report_unfinished(project: Project, plan: Plan) -> None:
    """Say which rotations wait for their retirement (GR657)."""
    waiting = unfinished(plan.roles)
    if not waiting:
        return
    ids = sorted({name for role in waiting for name in role.plugins})
    leaving = ", ".join(login.name for role in waiting for login in role.leaving)
    project.diagnostics.add(
        Diagnostic(
            "GR657",
            Severity.INFO,
            f"the rotation of {', '.join(ids)} is unfinished: {leaving} may still log in",
            path=_KEY,
            hint=f"after the rollout of the fragment `{_command(project, '--retire')}` locks what is not used any more",
        )
    )


# --- whom a step is about -------------------------------------------------------------------------------------------------


def choose(project: Project, plan: Plan, ids: Sequence[str], step: Step) -> list[Role]:
    """The roles of the plugins ``ids``, or of all, that ``step`` is about; what stands in the way is an error.

    A plugin that there is not, or that has no password (GR648), one whose password changes in place (GR647), and a rotation
    before that is unfinished (GR646).
    """
    report_unknown(project, plan, ids)
    wanted = [role for role in plan.roles if not ids or set(ids) & set(role.plugins)]
    able = [role for role in wanted if (role.pair is not None if step == "retire" else role.has_pair)]
    if step == "retire" and not ids:
        return able
    for role in wanted:
        if role not in able:
            _report_unable(project, plan, role, step, is_asked_for=bool(ids) or not able)
    if step == "rotate":
        for role in unfinished(able):
            name = role.plugins[0]
            project.diagnostics.error(
                "GR646",
                f"the rotation of {name!r} is unfinished: {', '.join(item.name for item in role.leaving)} may still log in, "
                f"and the next one would change its password",
                path=_KEY,
                hint=f"after the rollout run `{_command(project, '--retire', name)}`, and apply what it writes; if a "
                f"password has leaked, `{_command(project, '--now', name)}` locks it at once",
            )
    return able


def report_unknown(project: Project, plan: Plan, ids: Sequence[str]) -> None:
    """Report ids of which there is no password (GR648)."""
    known = sorted(name for role in plan.roles for name in role.plugins)
    for name in sorted(set(ids) - set(known)):
        _report_unknown(project, name, known)


def _report_unknown(project: Project, name: str, known: Sequence[str]) -> None:
    import difflib

    near = difflib.get_close_matches(name, known, 1)
    sqlite = name in project.plugin_ids
    project.diagnostics.error(
        "GR648",
        f"there is no password of {name!r}: " + ("it has no role on a server" if sqlite else "there is no such plugin"),
        hint=f"did you mean {near[0]}?" if near else f"there is {', '.join(known) or 'none'}",
    )


def _report_unable(project: Project, plan: Plan, role: Role, step: Step, *, is_asked_for: bool) -> None:
    """Say why ``step`` is not for ``role``: an error where it was asked for, a warning where it is left out of all."""
    name, settings = role.plugins[0], project.settings
    place = settings.locations.get(_KEY)
    if role.iam is not None:
        what, hint = (
            f"there is no password of {name!r}: {role.iam} logs it in",
            "remove what may do so from the identity that Backstage runs as, in the cloud's IAM",
        )
        place, path = settings.locations.get("credentials.mode"), "credentials.mode"
        if is_asked_for:
            project.diagnostics.error("GR648", what, place, path=path, hint=hint)
        else:
            project.diagnostics.warning("GR648", f"not rotated: {what}", place, path=path, hint=hint)
        return
    engine = next(server.engine for server in plan.servers if server.name == role.server)
    backstage = "closes idle connections since backend-defaults 0.18.1, so a plugin that pauses needs a new one"
    if step == "retire":
        what, backstage = f"{name!r} has one login only, and nothing can be retired", ""
        hint = f"leave {name} out"
    elif role.leaving:
        what = f"the password of {name!r} is to change in place again, and the logins from before may still log in"
        hint = f"run `{_command(project, '--retire', name)}` first, and apply what it writes"
    else:
        what = (
            f"the password of {name!r} changes in place: the old one stops working at once, and running instances fail at "
            "their next new connection"
        )
        version = role.password_version + 1
        hint = (
            f"where that is acceptable: set `credentials: {{passwordVersions: {{{name}: {version}}}}}` and generate (with "
            "store variables bring another password as well), apply, and restart Backstage at once"
        )
        if engine == "postgresql":
            hint = f"set `credentials: {{rotation: pair}}` and generate, for a rotation without an outage; {hint}"
    if is_asked_for:
        project.diagnostics.error("GR647", what, place, path=_KEY, backstage=backstage, hint=hint)
    else:
        project.diagnostics.warning("GR647", f"not rotated: {what}", place, path=_KEY, backstage=backstage, hint=hint)


# --- what there is to say of a step ---------------------------------------------------------------------------------------


def said_of(step: Step, before: Sequence[Role], diagnostics: Diagnostics) -> list[Diagnostic]:
    """What is to be shown after ``step`` was taken for the roles ``before``: what was found, and what it means."""
    found = list(diagnostics)
    if step == "retire" and not before:
        found.append(Diagnostic("GR653", Severity.INFO, "there is nothing to retire: only the live logins may log in"))
    if step == "now":
        names = ", ".join(login.name for role in before for login in (role.live, *role.leaving))
        found.append(
            Diagnostic(
                "GR655",
                Severity.WARNING,
                f"once this is applied the present passwords of {names} are of no use, and every running instance has one",
                backstage="fails at its next new connection, on every instance that has the fragment from before",
                hint="apply it and roll out the fragment with the new passwords right away; sessions that are open stay "
                "open: pg_terminate_backend ends them",
            )
        )
    return found


def next_of(project: Project, after: Sequence[Role], step: Step, steps: list[str], again: str) -> list[str]:
    """What is to do after ``step``, in order: ``steps`` are those of every generation, ``again`` is the command that
    retires.
    """
    if step == "retire":
        return steps
    variables = ", ".join(item.variable for item in standings(after))
    if not makes_secrets(project.settings.store):
        steps.insert(0, f"choose new passwords, and have them in {_variables(after)} where what was written is applied")
    steps.append(f"roll out Backstage with the new fragment, which reads {variables}")
    if step == "rotate":
        steps.append(f"when every instance runs with it: `{again}`, and apply that")
    return steps


def _variables(roles: Sequence[Role]) -> str:
    return ", ".join(sorted(role.live.delivery.env for role in roles))
