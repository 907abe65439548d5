"""The ids of published backend plugins, for the question "did you mean …?".

A plugin's id is what Backstage looks for below ``backend.database.plugin``: with a wrong one the entry is silently ignored.
An id that is not listed is normal, as every organisation has plugins of its own; one that looks like a slip is reported.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.backstage.config.reader import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.backstage.config.reader import ConfigReader
    from generator.problems.diagnostic import Diagnostics, Location

_BACKSTAGE = """
    app auth catalog devtools events gateway kubernetes mcp-actions notifications permission proxy scaffolder search signals
    techdocs user-settings
"""
_COMMUNITY = """
    3scale acr adr airbrake announcements apiiro argocd azure-devops azure-sites badges bazaar blackduck
    code-coverage copilot cost-insights dependencytrack entity-feedback explore feedback firehydrant
    github-issues gitlab graphql jenkins jfrog-artifactory kafka kiali lighthouse linguist manage matomo
    mcp-chat mend nexus-repository-manager npm ocm octopus-deploy pagerduty periskop pingidentity playlist
    puppetdb qeta quay report-portal rollbar sentry servicenow sonarqube splunk stack-overflow tech-insights
    tech-radar todo tekton topology toolbox vault xcmetrics
"""
_VENDORS = """
    adoption-insights bulk-import extensions konflux lightspeed marketplace orchestrator scorecard translations
    aws glean rag-ai wiz
    backstage-insights pulse rbac skill-exchange soundcheck
    endoflife humanitec relations
"""
KNOWN = frozenset(f"{_BACKSTAGE} {_COMMUNITY} {_VENDORS}".split())

_SHORTEST_FOR_TYPOS = 5  # letters; shorter words are near each other by chance
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PACKAGE_PARTS = re.compile(r"^(?:backstage-)?(?:plugin-)?(.+?)(?:-backend)?$")


def warn_about_ids(config: ConfigReader, plugin_ids: list[str], diagnostics: Diagnostics) -> None:
    """Report the ids that look like another one written wrong: a published one, or one of ``plugin_ids`` themselves."""
    wanted = set(plugin_ids)
    spellings: dict[str, str] | None = None
    for plugin_id in plugin_ids:
        if plugin_id in KNOWN:
            continue
        if spellings is None:
            spellings = {_plain(known): known for known in [*plugin_ids, *sorted(KNOWN)] if known == known.lower()}
        near = _nearest(plugin_id, spellings)
        if near is None or near == plugin_id:
            continue
        configured = near in wanted
        key = f"backend.database.plugin.{plugin_id}"
        diagnostics.warning(
            "GR204",
            f"{plugin_id!r} looks like the plugin {near!r}" + (", which is there as well" if configured else ""),
            _key_location(config, plugin_id),
            path=key,
            backstage=f"ignores {key} unless a plugin really has this id",
            hint=(f"the published plugin's id is {near!r}; " if near in KNOWN else f"is {near!r} meant? ")
            + f"a plugin of your own may be called {plugin_id!r}",
        )


def _nearest(plugin_id: str, spellings: dict[str, str]) -> str | None:
    plain = _plain(plugin_id)
    same = spellings.get(plain)
    if same is not None and same != plugin_id:
        return same
    part = _PACKAGE_PARTS.match(_HUMP.sub("-", plugin_id).lower())
    if part and part[1] != plugin_id and part[1] in KNOWN:
        return part[1]
    if len(plain) < _SHORTEST_FOR_TYPOS:
        return None
    typos = _typos()
    found = {typos[variant] for variant in _shortened(plain) if variant in typos}
    return min((known for known in found if _one_edit_apart(plain, _plain(known))), default=None)


def _plain(plugin_id: str) -> str:
    return re.sub(r"[-_:]", "", plugin_id).lower()


_TYPOS: dict[str, str] = {}


def _typos() -> dict[str, str]:
    """Every known id with one letter left out (or none): two words one edit apart have one of these in common."""
    if not _TYPOS:
        for known in sorted(KNOWN):
            plain = _plain(known)
            if len(plain) >= _SHORTEST_FOR_TYPOS:
                for variant in _shortened(plain):
                    _TYPOS.setdefault(variant, known)
    return _TYPOS


def _shortened(word: str) -> Iterator[str]:
    yield word
    for index in range(len(word)):
        yield word[:index] + word[index + 1 :]


def _one_edit_apart(one: str, other: str) -> bool:
    """Whether one letter is missing, extra, different, or two neighbours are swapped."""
    if len(one) > len(other):
        one, other = other, one
    start = next((index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[start:] == other[start + 1 :]
    if one[start + 1 :] == other[start + 1 :]:
        return True
    return one[start : start + 2] == other[start : start + 2][::-1] and one[start + 2 :] == other[start + 2 :]


def _key_location(config: ConfigReader, plugin_id: str) -> Location | None:
    try:
        plugins = config.get_optional_config("backend.database.plugin")
        mark = plugins.mark(plugin_id) if plugins is not None else None
    except ConfigError:
        return None
    return mark.key_location if mark else None
