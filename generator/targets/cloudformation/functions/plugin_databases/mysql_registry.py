"""The ownership markers on MySQL and MariaDB.

Neither has a comment on a database *and* on a user that works on every version, so the markers are rows of one table, in a
database that only the administrator can read. Nothing there is transactional, so a row is written before its object is made
or renamed: whoever repeats the request finds the object's row, and knows it for its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .failures import SqlError
from .marker import Marker, read_marker
from .mysql_text import literal

if TYPE_CHECKING:
    from .session import Session

REGISTRY = "greenroom_registry"
_TABLE = f"`{REGISTRY}`.`objects`"


class Registry:
    """The table, through one session of the administrator."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def make(self) -> None:
        """Make database and table where they are missing."""
        if self._exists():
            return
        self._session.run(f"CREATE DATABASE IF NOT EXISTS `{REGISTRY}` CHARACTER SET utf8mb4")
        self._session.run(
            f"CREATE TABLE IF NOT EXISTS {_TABLE} (kind VARCHAR(16) NOT NULL, name VARCHAR(350) NOT NULL, "
            "marker VARCHAR(4000) NOT NULL, PRIMARY KEY (kind, name)) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin "
            "COMMENT 'Which CloudFormation resource made what: written by greenroom, do not edit'"
        )

    def _exists(self) -> bool:
        return bool(
            self._session.run(
                f"SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = {literal(REGISTRY)} AND TABLE_NAME = "
                "'objects'"
            )
        )

    def marker(self, kind: str, name: str) -> Marker | None:
        """The marker of an object."""
        if not self._exists():
            return None
        rows = self._session.run(f"SELECT marker FROM {_TABLE} WHERE kind = {literal(kind)} AND name = {literal(name)}")
        return read_marker(rows[0][0]) if rows else None

    def write(self, kind: str, name: str, marker: Marker) -> None:
        """Write the marker of an object that is there, or is about to be."""
        text = literal(marker.text())
        self._session.run(
            f"INSERT INTO {_TABLE} (kind, name, marker) VALUES ({literal(kind)}, {literal(name)}, {text}) "
            f"ON DUPLICATE KEY UPDATE marker = {text}"
        )

    def forget(self, kind: str, name: str) -> None:
        """The object is gone."""
        self._session.run(f"DELETE FROM {_TABLE} WHERE kind = {literal(kind)} AND name = {literal(name)}")

    def make_object(self, kind: str, name: str, marker: Marker, sql: str) -> None:
        """Write the marker, then run the statement that makes the object. When the server refuses it, there is no marker."""
        self.write(kind, name, marker)
        try:
            self._session.run(sql)
        except SqlError:
            self.forget(kind, name)
            raise
