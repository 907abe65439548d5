"""How the passwords get from a store into the container of Backstage: what the sections of the README print."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.stores.names import CONTAINER_SECRET
from generator.targets.terraform.escaping import string
from generator.targets.terraform.logins import as_role
from generator.targets.terraform.stores.variables import keyed_by, login_key, password_key
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from generator.planning.model import Role
    from generator.targets.terraform.stores.base import Store

_SHOWN: Final = 2
_NOT_IN_KEY: Final = re.compile(r"[^A-Za-z0-9._-]")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./=:-]*", re.ASCII)


class Account(NamedTuple):
    """Who has a password, seen as a role. ``key`` is its key in ``plugin_passwords``, ``output`` what names its secret."""

    role: Role
    key: str
    output: str


def accounts(roles: Iterable[Role]) -> list[Account]:
    """Everybody with a password: the roles that log in by themselves, and the logins of pairs."""
    return [account for role in roles for account in _accounts(role)]


def _accounts(role: Role) -> Iterator[Account]:
    output = f"local.plugins[{string(role.label)}]"
    if role.own_login.may_log_in:
        yield Account(role, password_key(role), output)
    for login in role.logins:
        yield Account(as_role(role, login), login_key(role, login.letter), f"{output}.logins.{login.letter}")


def delivery_view(roles: Iterable[Role], store: Store) -> dict[str, Any]:
    """Every password with the names it has in the store and in the container.

    ``key`` is the name of a password within a Secret, ``path`` its file below ``folder``. ``relative`` says that the files
    are beside app-config, ``csi`` that they lie in one folder, as a CSI driver wants it.
    """
    found = accounts(roles)
    files = [account.role.delivery.file for account in found if account.role.delivery.file]
    relative = any(not posixpath.isabs(file) for file in files)
    folder = posixpath.commonpath([posixpath.dirname(posixpath.join("/", file)) for file in files]) if files else "/"
    last = len(found) - 1
    passwords = [_password(account, folder, store, is_last=number == last) for number, account in enumerate(found)]
    return {
        "target": CONTAINER_SECRET,
        "reference": store.name,
        "property": "password" if store.has_keys else "",
        "action": Escaped(store.read_action),
        "by_file": bool(files),
        "folder": folder,
        "relative": relative,
        "csi": bool(files) and not any("/" in item["path"] for item in passwords),
        "passwords": passwords,
    }


def passwords_view(roles: Collection[Role], mysql: Collection[str]) -> dict[str, Any]:
    """How passwords are brought, where somebody has to: an example of the variable, and what its keys are.

    ``clear`` are the keys of the passwords that no verifier can stand for: of users on the servers ``mysql``.
    """
    keys = sorted({account.key for account in accounts(roles) if account.role.password_version > 0})
    shown = ", ".join(f'{string(key)}: "…"' for key in keys[:_SHOWN])
    return {
        "keyed_by": Escaped(keyed_by(list(roles))),
        "clear": [shell_word(key) for key in sorted({password_key(role) for role in roles if role.server in mysql})],
        "example": shell_word(f"{{{shown}{', …' if len(keys) > _SHOWN else ''}}}"),
    }


def _password(account: Account, folder: str, store: Store, *, is_last: bool) -> dict[str, Any]:
    role, delivery = account.role, account.role.delivery
    path = posixpath.relpath(posixpath.join("/", delivery.file), folder) if delivery.file else ""
    arn = f"${{{account.output}.secret_arn}}{':password::' if store.has_keys else ''}"
    return {
        "secret": role.secret_name,
        "role": role.name,
        "env": delivery.env,
        "file": delivery.file or "",
        "key": _NOT_IN_KEY.sub("_", role.label) if delivery.file else delivery.env,
        "path": path,
        "arn": Escaped(f'"{arn}"'),
        "resource": store.resource(role),
        "run": shell_word(f"{delivery.file or delivery.env}={role.secret_name}:latest"),
        "more": Escaped("" if is_last else " \\"),
        "comma": Escaped("" if is_last else ","),
    }


def shell_word(word: str) -> Escaped:
    """``word`` as one word of a POSIX shell, on one line."""
    import shlex

    line = word if word.isprintable() else "".join(char if char.isprintable() else " " for char in word)
    return Escaped(line if _PLAIN.fullmatch(line) else shlex.quote(line))
