"""Configurations, settings and lock files in which something is not what it should be, one for each seed."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

ACTS = "\n::error::pwned\x1b]0;title\x07\u202e\x9b##[error]x"
_ODD: tuple[Any, ...] = (
    *(
        "",
        " ",
        "a\0b",
        "x" * 300,
        "\u202e",
        "\ud800",
        "é" * 200,
        "';DROP",
        "../../x",
        "/etc/passwd",
        "a\nb",
        ACTS,
        f"a{ACTS}",
    ),
    *(
        "${X}",
        "${X:-y}",
        "$${X}",
        "%{x}",
        "{{x}}",
        "*",
        "true",
        "nan",
        "~",
        "a" * 70_000,
        "\uffff",
        "😀" * 40,
        ".",
        "..",
        "a/b",
    ),
    *(
        "http://[::1",
        "postgres://u:p@h:99999/d",
        "postgres://%zz@h",
        "mysql://u:p@h/",
        "__proto__",
        "constructor",
        "toString",
    ),
    *(0, -1, 1e308, 10**400, True, None, [], {}, [1], {"a": 1}),
)
_CONNECTION = {"host": "h", "port": 5432, "user": "u", "password": "${PW}", "ssl": {"ca": "x", "rejectUnauthorized": True}}
CONFIG = {
    "backend": {
        "database": {
            "client": "pg",
            "connection": _CONNECTION,
            "prefix": "p_",
            "pluginDivisionMode": "database",
            "ensureExists": True,
            "role": "r",
            "schemaPrefix": "s",
            "knexConfig": {"pool": {"min": 1, "max": 5}},
            "plugin": {
                "catalog": {"connection": {"database": "d", "user": "x"}},
                "auth": {"connection": "postgres://u:${P}@h/d?sslmode=require"},
                "search": {"client": "mysql2", "connection": {"host": "m", "user": "u", "password": "${M}"}},
                "app": {"client": "better-sqlite3", "connection": ":memory:"},
            },
        }
    }
}
_SETTINGS = {
    "version": 1,
    "environment": "production",
    "plugins": {
        "include": ["catalog"],
        "exclude": ["x"],
        "renamed": {"a": "b"},
        "dropped": ["z"],
        "moved": {"catalog": "primary"},
    },
    "credentials": {
        "mode": "per-plugin",
        "roleName": "r_{plugin}",
        "store": "aws-secretsmanager",
        "secretName": "s/{plugin}",
        "delivery": {"env": "X_{PLUGIN}"},
    },
    "servers": {"primary": {"kind": "existing"}, "other": {"kind": "existing", "host": "m"}},
    "values": {"POSTGRES_DB": "x"},
    "tags": {"team": "a"},
    "targets": {"terraform": {"path": "infra/tf"}, "cloudformation": {"path": "infra/cf"}, "sql": {"path": "infra/sql"}},
}
_PLUGIN = {
    "label": "gone",
    "server": "primary",
    "engine": "postgresql",
    "database": "d",
    "role": "r",
    "passwordVersion": 2,
    "pair": {"retired": 1, "until": 1},
    "shared": False,
    "schema": "s",
    "returned": True,
    "renamedFrom": {"database": "x", "role": "y"},
    "left": {"database": "z"},
    "formerly": [{"database": "q"}],
    "store": "vault",
    "secret": "s",
    "formerIds": ["o"],
    "stack": 1,
}
LOCK = {
    "version": 2,
    "plugins": {"catalog": {**_PLUGIN, "label": "catalog"}},
    "retired": {"gone": _PLUGIN, "gone (database d on server x)": _PLUGIN},
    "files": {"terraform": {"terraform/a.tf": "0" * 64}},
}


def write_hostile(folder: Path, seed: int) -> None:
    """Write app-config.yaml, and perhaps greenroom.yaml and a lock file; one of them is mutated."""
    random_ = random.Random(seed)
    kind = random_.choice(("config", "config", "settings", "lock", "lock"))
    documents: dict[str, Any] = {"config": CONFIG, "settings": _SETTINGS, "lock": LOCK}
    for _ in range(random_.choice((1, 1, 2, 3))):
        documents[kind] = mutated(random_, documents[kind])
    (folder / "app-config.yaml").write_text(json.dumps(documents["config"]), encoding="utf-8")
    in_place = kind == "settings" or random_.random() < 0.4
    if in_place:
        (folder / "greenroom.yaml").write_text(json.dumps(documents["settings"]), encoding="utf-8")
    if kind == "lock" or random_.random() < 0.3:
        lock = folder if in_place else folder / "infra"
        lock.mkdir(exist_ok=True)
        (lock / "greenroom.lock.json").write_text(json.dumps(documents["lock"]), encoding="utf-8")


def mutated(random_: random.Random, value: Any) -> Any:
    """``value`` with one thing in it that is not what it should be."""
    if isinstance(value, dict):
        made, keys, choice = dict(value), list(value), random_.random()
        if choice < 0.25 or not keys:
            made[str(random_.choice(_ODD))] = random_.choice(_ODD)
        elif choice < 0.4:
            made[str(random_.choice(_ODD))] = made.pop(random_.choice(keys))
        else:
            key = random_.choice(keys)
            made[key] = mutated(random_, made[key])
        return made
    if isinstance(value, list) and value and random_.random() < 0.7:
        listed = list(value)
        index = random_.randrange(len(listed))
        listed[index] = mutated(random_, listed[index])
        return listed
    return random_.choice(_ODD)
