"""The verdict on a plan: what would be lost, what was looked at, and what cannot be said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from generator.plan_check.finding import Finding, identity_of, make_finding, name_of
from generator.plan_check.ownership import Ownership, greenroom_calls, protection
from generator.plan_check.plan import MalformedError, parse_plan
from generator.plan_check.resources import GUARD, PROTECTED
from generator.plan_check.text import counted, listed, quoted, shown
from generator.problems.diagnostic import Diagnostics, Location

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from generator.plan_check.plan import Change, Plan


_ROTATES: Final = frozenset(item.type for item in PROTECTED.values() if item.rotates)


class Released(NamedTuple):
    """What Terraform lets go of and does not delete."""

    address: str
    noun: str
    name: str

    @property
    def line(self) -> str:
        """It in words."""
        name = f" '{self.name}'" if self.name else ""
        return f"{self.address}: Terraform lets go of the {self.noun}{name}, which stays"


@dataclass(slots=True)
class Report:
    """The verdict.

    ``looked`` is how many of greenroom's objects the plan has, by noun; ``released`` are those Terraform lets go of and does
    not delete, ``rotated`` the versions of secrets that a newer one replaces. ``diagnostics`` are the reasons why the plan
    as a whole cannot be judged.
    """

    file: str
    findings: list[Finding] = field(default_factory=list)
    looked: dict[str, int] = field(default_factory=dict)
    released: list[Released] = field(default_factory=list)
    rotated: int = 0
    diagnostics: Diagnostics = field(default_factory=Diagnostics)

    @property
    def verdict(self) -> Literal["refused", "unknown", "fine"]:
        """``refused``: something would be lost. ``unknown``: nothing was found, but not everything could be looked at."""
        if any(not finding.allowed for finding in self.findings):
            return "refused"
        return "unknown" if self.diagnostics.has_errors else "fine"

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        lost = sum(not finding.allowed for finding in self.findings)
        accepted = len(self.findings) - lost
        allowed = f" ({accepted} accepted with --allow)" if accepted else ""
        if lost:
            return f"{self.file}: do not apply this plan: it would delete or replace {counted(lost, 'object')}{allowed}"
        if self.verdict == "unknown":
            return f"{self.file}: no verdict"
        looked = listed([counted(number, noun) for noun, number in self.looked.items()], most=9)
        rotated = f"; a new version takes the place of {counted(self.rotated, 'secret version')}" if self.rotated else ""
        which = "no other is" if accepted or rotated else "none is"
        return f"{self.file}: looked at {looked}: {which} deleted or replaced{allowed}{rotated}"

    def to_json(self) -> dict[str, Any]:
        """The shape of ``--format json``."""
        return {
            "verdict": self.verdict,
            "sentence": self.sentence,
            "looked": {_camel_case(counted(2, noun)[2:]): number for noun, number in self.looked.items()},
            "findings": [finding.to_json() for finding in self.findings],
            "rotated": self.rotated,
            "released": [{"address": item.address, "kind": item.noun, "name": item.name or None} for item in self.released],
            "diagnostics": [item.to_json() for item in self.diagnostics],
        }


def _camel_case(words: str) -> str:
    first, *rest = words.split()
    return first + "".join(word.capitalize() for word in rest)


def judge_plan(document: Mapping[str, Any], file: str, allow: Collection[str] = ()) -> Report:
    """The verdict on the plan ``document``, whose deletions at the addresses in ``allow`` are accepted.

    What makes a plan impossible to judge is an error in the report: it is not what Terraform writes (GR905), Terraform gave
    up on it (GR906), it leaves out a part of the configuration or the state (GR907), or nothing of it is greenroom's
    (GR908). An address in ``allow`` at which nothing is deleted is GR909.
    """
    report = Report(file)
    try:
        plan = parse_plan(document)
    except MalformedError as error:
        report.diagnostics.error(
            "GR905",
            f"this is not what Terraform writes: `{shown(error)}` is not understood",
            Location(file),
            hint="plan again with Terraform or OpenTofu 1.11 or newer; if this comes again, use a newer greenroom",
        )
        return report
    owned = Ownership(plan)
    _look(owned, report)
    report.findings = _findings(plan, owned, allow)
    _check_whole(plan, owned, report)
    _check_allowed(report, allow)
    return report


def _look(owned: Ownership, report: Report) -> None:
    """Count what the plan has, in the order of the list of types, and say what it lets go of."""
    counts: dict[str, int] = {}
    for change in owned.changes:
        known = protection(change)
        assert known is not None, "it is owned"
        noun = known.noun
        report.rotated += change.deletes and _is_rotation(change)
        counts[noun] = counts.get(noun, 0) + 1
        if "forget" in change.actions and change.type != GUARD.type:
            name = name_of(known, change.before, change.sensitive)
            report.released.append(Released(shown(change.address), noun, shown(name)))
    nouns = dict.fromkeys(item.noun for item in PROTECTED.values())
    report.looked = {noun: counts[noun] for noun in nouns if noun in counts}


def _findings(plan: Plan, owned: Ownership, allow: Collection[str]) -> list[Finding]:
    mine = {id(change) for change in owned.changes}
    staying = {
        identity: change
        for change in owned.changes
        if not change.deletes and (identity := identity_of(change.type, change.after or change.before)) is not None
    }
    found = []
    for change in plan.changes:
        known = protection(change)
        if not change.deletes or known is None or _is_rotation(change):
            continue
        identity = identity_of(change.type, change.before)
        same_as = staying.get(identity) if identity is not None else None
        if id(change) in mine or same_as is not None:
            allowed = bool({change.address, shown(change.address)} & set(allow))
            found.append(make_finding(change, known, plan, owned=id(change) in mine, same_as=same_as, allowed=allowed))
    return sorted(found, key=lambda finding: (finding.plugin or "", finding.module or "", finding.code, finding.address))


def _is_rotation(change: Change) -> bool:
    """Whether a version of a secret makes room for the next one, which is there already."""
    return change.type in _ROTATES and (change.actions == ("create", "delete") or change.deposed)


def _check_whole(plan: Plan, owned: Ownership, report: Report) -> None:
    """Whether the plan is about all there is. A verdict on half of it would be taken for one on the whole."""
    calls = greenroom_calls(plan.root)
    if not owned.changes and not owned.prior and not calls:
        report.diagnostics.error(
            "GR908",
            "nothing in this plan is greenroom's: it has none of the generated modules and servers",
            Location(report.file),
            hint="is it the plan of another configuration? Run `terraform plan` in databases/ or server/",
        )
        return
    if plan.errored:
        report.diagnostics.error(
            "GR906",
            "Terraform could not finish this plan: it ended with an error, and cannot be applied",
            Location(report.file),
            hint="correct what `terraform plan` reports, and plan again (guard.tf says why an instance cannot be destroyed)",
        )
        return
    seen = {address for change in owned.changes for address in (change.address, change.previous)}
    missing = sorted({item.address for item in owned.prior} - seen)
    planned = {change.place.labels for change in plan.changes}
    missing += [".".join(f"module.{label}" for label in labels) for labels in calls if labels not in planned]
    if missing or not plan.complete or plan.deferred:
        about = f": it says nothing about {listed([shown(address) for address in missing])}" if missing else ""
        report.diagnostics.error(
            "GR907",
            f"the plan is only a part of what there is to do{about}",
            Location(report.file),
            hint="plan without -target, -exclude, -refresh-only and -allow-deferral, and check that plan",
        )


def _check_allowed(report: Report, allow: Collection[str]) -> None:
    there = {name for finding in report.findings for name in (finding.address, shown(finding.address))}
    for address in dict.fromkeys(allow):
        if address not in there:
            report.diagnostics.error(
                "GR909",
                f"--allow {quoted(address)} allows nothing: the plan neither deletes nor replaces it",
                hint="copy the address from what this command printed without --allow, or leave the option out",
            )
