"""What is wrong with a ``backend.database``: all of it at once, each at its place."""

from generator.backstage.checks.database import validate_database

__all__ = ["validate_database"]
