"""What happens to a portal in a year. Each change is one that people make, in the way they make it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from year_checks import everybody_works, everything_is_there
from year_pipeline import Outcome, deliver, deliver_and_kill, deliver_kill_and_revert, recover
from year_world import Settings, World, new_password

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    Play = Callable[[World, random.Random], tuple[str, Outcome]]

FIRST = ("auth", "catalog", "explore", "kubernetes", "scaffolder", "search", "tech-insights", "techdocs")
LATER = ("announcements", "badges", "cost-insights", "playlist", "todo")
NEW_IDS = ("tech-radar", "entity-feedback", "devtools", "linguist")
PREFIXES = ("backstage_plugin_", "portal_", "bs_")
ROLE_NAMES = ("backstage_{plugin}", "svc_{plugin}")
STORES = ("variables", "vault")
NOT_NOW = Outcome(False, "not possible now")


# --- edits of app-config and greenroom.yaml: what they did, or None where there is nothing to do ----------------------


def add(world: World, settings: Settings, choose: random.Random) -> str | None:
    """One plugin more: a new one, or one that was there before."""
    lock = world.repository.lock()
    known = {*lock["plugins"], *lock.get("retired", {})}
    foreign = {owner.plugin for owner in world.belongings} - known  # made by hand, and never adopted
    former = {name for owner in world.belongings for name in owner.names}
    names = [name for name in (*FIRST, *LATER) if name not in settings.plugins and name not in foreign | former]
    if not names:
        return None
    settings.plugins.append(name := choose.choice(names))
    return f"add {name}"


def remove(world: World, settings: Settings, choose: random.Random) -> str | None:
    """A plugin is not wanted any more."""
    if len(settings.plugins) < 4:
        return None
    settings.plugins.remove(name := choose.choice(sorted(settings.plugins)))
    settings.versions.pop(name, None)
    return f"remove {name}"


def rename(world: World, settings: Settings, choose: random.Random) -> str | None:
    """A plugin has another id from now on, and keeps what it has."""
    taken = {name for owner in world.belongings for name in (owner.plugin, *owner.names)}
    names = [name for name in NEW_IDS if name not in taken]
    if not names:
        return None
    old, new = choose.choice(sorted(settings.plugins)), choose.choice(names)
    settings.plugins = [new if name == old else name for name in settings.plugins]
    settings.renamed[old] = new
    if old in settings.versions:
        settings.versions[new] = settings.versions.pop(old)
    return f"rename {old} to {new}"


def prefix(world: World, settings: Settings, choose: random.Random) -> str | None:
    """All databases get other names."""
    settings.prefix = choose.choice([name for name in PREFIXES if name != settings.prefix])
    return f"prefix {settings.prefix}"


def role_name(world: World, settings: Settings, choose: random.Random) -> str | None:
    """All roles get other names."""
    settings.role_name = next(name for name in ROLE_NAMES if name != settings.role_name)
    return f"roleName {settings.role_name}"


def prefix_and_role_name(world: World, settings: Settings, choose: random.Random) -> str | None:
    """Both at once."""
    return f"{prefix(world, settings, choose)}, {role_name(world, settings, choose)}"


def rotate(world: World, settings: Settings, choose: random.Random) -> str | None:
    """A plugin gets a new password."""
    name = choose.choice(sorted(settings.plugins))
    settings.versions[name] = settings.versions.get(name, 1) + 1
    return f"rotate {name}"


def store(world: World, settings: Settings, choose: random.Random) -> str | None:
    """All passwords are elsewhere from now on."""
    settings.store = next(name for name in STORES if name != settings.store)
    return f"store {settings.store}"


ORDINARY = (add, remove, rename, prefix, role_name, prefix_and_role_name, rotate, store)
SUDDEN = (add, rename, prefix, role_name, rotate)


def _edit(world: World, edit: Callable[..., str | None], choose: random.Random) -> str | None:
    """Make the edit in the working tree, and in what the world knows; what it is called."""
    settings = world.read()
    before = world.read()
    what = edit(world, settings, choose)
    if what is None:
        return None
    world.write(settings)
    for old, new in settings.renamed.items():
        owner = world.owner(old)
        if old in before.plugins and owner is not None:
            owner.names.append(old)
            owner.plugin = new
    for name, version in settings.versions.items():
        owner = world.owner(name)
        if edit is rotate and version != before.versions.get(name) and owner is not None:
            owner.password = new_password()
    return what


def ordinary(edit: Callable[..., str | None]) -> Play:
    """A pull request with one edit."""

    def play(world: World, choose: random.Random) -> tuple[str, Outcome]:
        what = _edit(world, edit, choose)
        return (what, deliver(world, what, world.repository.head)) if what else (edit.__name__, NOT_NOW)

    play.__name__ = edit.__name__
    return play


# --- what is more than an edit ----------------------------------------------------------------------------------------


def kill(world: World, choose: random.Random) -> tuple[str, Outcome]:
    """kill -9 in the middle of an apply, and the way back."""
    what = _edit(world, choose.choice(SUDDEN), choose)
    return (f"kill -9 of: {what}", deliver_and_kill(world, what, choose)) if what else ("kill", NOT_NOW)


def kill_and_revert(world: World, choose: random.Random) -> tuple[str, Outcome]:
    """kill -9 in the middle of an apply that renames, and somebody takes the commit back at once."""
    what = _edit(world, choose.choice((rename, prefix, role_name)), choose)
    if not what:
        return "kill and revert", NOT_NOW
    return f"kill -9 and revert of: {what}", deliver_kill_and_revert(world, what, choose)


def revert(world: World, choose: random.Random) -> tuple[str, Outcome]:
    """A commit is taken back, mostly the last one. Of conflicts in what is generated the present version is taken."""
    git, base = world.repository.git, world.repository.head
    commits = git("rev-list", "--max-count=4", "HEAD").split()[:-1]
    if not commits:
        return "revert", NOT_NOW
    commit = choose.choice([commits[0], *commits])
    what = f"revert {git('log', '-1', '--format=%s', commit)!r}"
    git("revert", "--no-edit", commit, check=False)
    conflicts = git("diff", "--name-only", "--diff-filter=U").split()
    if any(not path.startswith("infra/") for path in conflicts):
        git("revert", "--abort")
        return what, NOT_NOW
    if conflicts:
        git("checkout", base, "--", "infra")
        git("-c", "core.editor=true", "revert", "--continue", check=False)
    if world.repository.head == base:
        git("reset", "--quiet", "--hard", base)
        return what, NOT_NOW
    world.recognise()
    outcome = deliver(world, "after the revert", base, generate=bool(conflicts))
    git("reset", "--quiet", "--hard", "HEAD" if outcome.applied else base)
    return what, outcome


def branch(world: World, choose: random.Random) -> tuple[str, Outcome]:
    """A branch that was cut earlier is applied; then main again, which knows nothing of it."""
    if len(world.applied) < 3:
        return "branch", NOT_NOW
    repository, main = world.repository, world.repository.head
    commit = choose.choice(world.applied[-4:-1])
    what = f"a branch from {repository.git('log', '-1', '--format=%s', commit)!r}"
    repository.switch("older", commit)
    world.recognise()
    added = _edit(world, add, choose)
    outcome = deliver(world, f"branch: {added}", main)
    if not outcome.applied:
        repository.switch("main")
        return what, outcome
    everything_is_there(world)
    everybody_works(world)
    older = repository.head
    repository.switch("main")
    restore = world.memory()
    world.recognise()
    # What CI would compare with does not know the branch; whoever looks into a refusal does.
    second = deliver(world, "main again", main, generate=False)
    if not second.applied:
        world.note(f"  main again, refused by {second.by}: compared with the branch")
        second = deliver(world, "main again", older, generate=False)
    if not second.applied:
        restore()
        repository.git("reset", "--quiet", "--hard", older)
    return what, Outcome(True, f"{added}; main again: {second.by if second.applied else 'refused, the branch is main now'}")


def adopt(world: World, choose: random.Random) -> tuple[str, Outcome]:
    """A plugin whose database somebody made by hand comes under greenroom's care."""
    taken = {name for owner in world.belongings for name in (owner.plugin, *owner.names)}
    names = [name for name in LATER if name not in taken]
    if not names:
        return "adopt", NOT_NOW
    name = choose.choice(names)
    world.by_hand(name)
    settings = world.read()
    settings.plugins.append(name)
    world.write(settings)
    world.adopt()
    return f"adopt {name}", deliver(world, f"adopt {name}", world.repository.head)


def state_lost(world: World, choose: random.Random) -> tuple[str, Outcome]:
    """Terraform's state is gone, and its backup."""
    world.terraform.clean_state()
    return "state lost", Outcome(True, recover(world))


#: What a year is made of by default. Others are there to be asked for by name.
USUAL: tuple[Play, ...] = (*map(ordinary, ORDINARY), revert, branch, adopt, state_lost, kill)
KINDS = {kind.__name__: kind for kind in (*USUAL, kill_and_revert)}


def deck(number: int, choose: random.Random, kinds: str = "") -> list[Play]:
    """So many changes in random order, each kind as often as any other; of ``kinds`` (separated by commas) only."""
    chosen = [KINDS[name] for name in kinds.split(",")] if kinds else list(USUAL)
    cards: list[Play] = []
    while len(cards) < number:
        cards += choose.sample(chosen, len(chosen))
    return cards[:number]
