"""``environments`` in greenroom.yaml: several in one file, each with what differs, and what is shared is written once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from generator.documents.values import ConfigMap

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from generator.problems.diagnostic import Diagnostics

KEY: Final = "environments"
#: The key for the only environment of a file.
ONE: Final = "environment"
DEFAULT: Final = "production"
#: A choice of one key: another environment that chooses another one takes nothing of this one's.
_CHOICES: Final = frozenset({("credentials", "delivery")})


def environment_names(data: ConfigMap) -> tuple[str, ...]:
    """The names below ``environments``, as they were written; none where a file is about one environment."""
    declared = data.get(KEY)
    return tuple(declared) if isinstance(declared, ConfigMap) else ()


def of_environment(data: ConfigMap, name: str) -> ConfigMap:
    """The settings of one of the ``environments`` of ``data``, as a file of its own would say them.

    A map is merged with the shared one, key by key; a list and a single value take the place of the shared one, and so does
    ``credentials.delivery``. Every value still knows where it was written.
    """
    shared = ConfigMap()
    for key in data:
        if key not in (KEY, ONE):
            _put(shared, key, data[key], data)
    own: ConfigMap | None = data[KEY][name]
    merged = _merged(shared, own or ConfigMap(), ())
    _put(merged, ONE, name, None)
    mark = data[KEY].marks.get(name)
    if mark is not None:  # what is about the whole environment is at its name
        place = mark._replace(line=mark.key_line or mark.line, column=mark.key_column or mark.column)
        merged.marks[ONE] = place
    return merged


def _merged(shared: ConfigMap, own: ConfigMap, around: tuple[str, ...]) -> ConfigMap:
    result = ConfigMap()
    for key in shared:
        _put(result, key, shared[key], shared)
    for key, value in own.items():
        path, below = (*around, key), result.get(key)
        if isinstance(value, ConfigMap) and isinstance(below, ConfigMap) and path not in _CHOICES:
            _put(result, key, _merged(below, value, path), own)
        else:
            _put(result, key, value, own)
    return result


def _put(target: ConfigMap, key: str, value: Any, origin: ConfigMap | None) -> None:
    target[key] = value
    mark = origin.marks.get(key) if origin is not None else None
    if mark is not None:
        target.marks[key] = mark
    else:
        target.marks.pop(key, None)


def check_single(data: ConfigMap, shown: str, diagnostics: Diagnostics) -> None:
    """``environment`` next to ``environments`` is an error (GR450): nobody can tell which of them counts."""
    if ONE in data and environment_names(data):
        diagnostics.error(
            "GR450",
            f"`{ONE}` next to `{KEY}`: only one of them can say what {shown} is about",
            data.locate_key(ONE),
            path=ONE,
            hint=f"remove `{ONE}`; the keys of `{KEY}` are the names",
        )


def unknown_environment(name: str, known: Collection[str]) -> str:
    """What is wrong with a name that is none of ``known``, and which was probably meant."""
    import difflib

    near = difflib.get_close_matches(name, known, 1)
    listed = listing(sorted(known))
    return f"there is no environment {name!r}; " + (f"did you mean {near[0]!r}?" if near else f"there is {listed}")


def listing(names: Sequence[str]) -> str:
    """``production``; ``production and staging``; ``dev, production and staging``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
