"""What Backstage's database managers would do with a configuration. Nothing about infrastructure is in here."""

from generator.backstage.database.manager import Manager, resolve_plugins

__all__ = ["Manager", "resolve_plugins"]
