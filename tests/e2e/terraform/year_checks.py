"""After every step: each row is there, and its plugin gets to it with the login of today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from year_world import LOOK, WORK

if TYPE_CHECKING:
    from year_world import World


def everything_is_there(world: World) -> None:
    """Every treasure is on the server exactly once, with all its rows. Asked as the superuser: nobody's login matters."""
    found: dict[str, list[tuple[str, int]]] = {}
    for database, token, rows in world.treasures():
        found.setdefault(token, []).append((database, rows))
    for owner in world.belongings:
        if owner.token:
            places = found.pop(owner.token, [])
            assert [rows for _, rows in places] == [owner.rows], (
                f"LOST: {owner.plugin} had {owner.rows} rows ({owner.token!r}), and there is {places or 'nothing'}"
            )
    assert not found, f"treasures of nobody: {found}"


def everybody_works(world: World) -> None:
    """Every plugin logs in as Backstage does, finds what it left, writes, and gets into no other plugin's database."""
    for plugin in world.fragment:
        world.settle(plugin)
        owner = world.owner(plugin)
        assert owner is not None
        with world.connect(plugin) as connection:
            seen = connection.execute(LOOK).fetchone()
            assert seen == (owner.token, owner.rows, owner.rows // 2, owner.rows // 2), (
                f"UNREACHABLE: {plugin} finds {seen}, and left {owner.rows} rows ({owner.token!r})"
            )
            connection.execute(WORK)
            owner.rows += 2


def snapshot(world: World) -> dict[str, Any]:
    """What a step that is refused must not change: databases, roles with their passwords, grants, secrets."""
    queries = {
        "databases": "SELECT datname, pg_get_userbyid(datdba), datacl::text FROM pg_database ORDER BY 1",
        "roles": "SELECT rolname, rolcanlogin, rolpassword FROM pg_authid ORDER BY 1",
        "members": "SELECT roleid::regrole::text, member::regrole::text FROM pg_auth_members ORDER BY 1, 2",
    }
    with world.superuser() as connection:
        found: dict[str, Any] = {name: connection.execute(text).fetchall() for name, text in queries.items()}  # type: ignore[call-overload]
    found["secrets"] = {name: list(versions) for name, versions in world.vault.versions.items()}
    state = world.terraform.root / "terraform.tfstate"
    found["state"] = state.read_bytes() if state.exists() else None
    return found
