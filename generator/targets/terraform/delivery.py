"""How the passwords get from a store into the container of Backstage: what the sections of the README print."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, Final

from generator.stores.names import CONTAINER_SECRET
from generator.targets.terraform.escaping import string
from generator.targets.terraform.stores.variables import keyed_by, password_key
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from collections.abc import Collection

    from generator.planning.model import Role
    from generator.targets.terraform.stores.base import Store

_SHOWN: Final = 2
_NOT_IN_KEY: Final = re.compile(r"[^A-Za-z0-9._-]")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./=:-]*", re.ASCII)


def delivery_view(roles: list[Role], store: Store) -> dict[str, Any]:
    """Every password with the names it has in the store and in the container.

    ``key`` is the name of a password within a Secret, ``path`` its file below ``folder``. ``relative`` says that the files
    are beside app-config, ``csi`` that they lie in one folder, as a CSI driver wants it.
    """
    files = [role.delivery.file for role in roles if role.delivery.file]
    relative = any(not posixpath.isabs(file) for file in files)
    folder = posixpath.commonpath([posixpath.dirname(posixpath.join("/", file)) for file in files]) if files else "/"
    last = len(roles) - 1
    passwords = [_password(role, folder, store, is_last=number == last) for number, role in enumerate(roles)]
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


def passwords_view(roles: list[Role], mysql: Collection[str]) -> dict[str, Any]:
    """How passwords are brought, where somebody has to: an example of the variable, and what its keys are.

    ``clear`` are the keys of the passwords that no verifier can stand for: of users on the servers ``mysql``.
    """
    keys = sorted({password_key(role) for role in roles})
    shown = ", ".join(f'{string(key)}: "…"' for key in keys[:_SHOWN])
    return {
        "keyed_by": Escaped(keyed_by(roles)),
        "clear": [shell_word(key) for key in sorted({password_key(role) for role in roles if role.server in mysql})],
        "example": shell_word(f"{{{shown}{', …' if len(keys) > _SHOWN else ''}}}"),
    }


def _password(role: Role, folder: str, store: Store, *, is_last: bool) -> dict[str, Any]:
    delivery = role.delivery
    path = posixpath.relpath(posixpath.join("/", delivery.file), folder) if delivery.file else ""
    arn = f"${{local.plugins[{string(role.label)}].secret_arn}}{':password::' if store.has_keys else ''}"
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
