"""Which providers a module needs, and which versions of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.targets.terraform.hcl import RequiredProvider


class HasProviders(Protocol):
    """A part of a module: a store, a server, an engine."""

    @property
    def providers(self) -> Sequence[RequiredProvider]:
        """The providers it needs."""


def required_providers(*sources: HasProviders | None) -> list[RequiredProvider]:
    """The providers a module needs, sorted by name; of two demands on the same one, the stricter."""
    found: dict[str, RequiredProvider] = {}
    for provider in (provider for source in sources if source for provider in source.providers):
        found[provider.name] = max(provider, found.get(provider.name, provider), key=_oldest)
    return sorted(found.values(), key=lambda provider: provider.name)


def _oldest(provider: RequiredProvider) -> tuple[int, ...]:
    return tuple(int(part) for part in provider.oldest.split("."))
