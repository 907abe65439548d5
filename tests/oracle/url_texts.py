"""Connection strings as people write them, for the comparison with the packages that read them."""

from __future__ import annotations

from typing import Final

#: Strings `pg` takes without a word and finds no host in.
WITHOUT_HOST: Final = (
    "",
    "postgresql:portal:pw@db.internal.test:5432/portal",
    "postgres:/u:pw@host/db",
    "postgres:///u:pw@host/db",
    "postgres:////u:pw@host/db",
    "//u:pw@host:5432/db",
    "u:pw@host:5432/db",
    "u@host",
    "host:5432/db",
    "db.internal.test",
    "db.internal.test/portal",
    "localhost",
    "jdbc:postgresql://host:5432/db?user=u&password=p",
    "host=db user=u password=p dbname=d",
    "Server=h;Port=5432;User Id=u;",
    "postgres//u:pw@host/db",
    "  postgres://u:pw@host/db",
    '"postgres://u:pw@host/db"',
    r"postgres:\\u:pw@host\db",
    "postgres:://u:pw@host/db",
    "postgres: //u:pw@host/db",
    "psql postgres://u:pw@host/db",
    "DATABASE_URL=postgres://u:pw@host/db",
)
#: Strings with a host, or without one on purpose.
WITH_HOST: Final = (
    "postgres://host",
    "postgresql://u:pw@host:5432/db",
    "postgresql://u:p@w@host/db",
    "postgres://u:pw@[::1]:5432/db",
    "postgresql+psycopg2://u:pw@host/db",
    "postgres:///db?host=h&user=u",
    "postgres://u:pw@/db?host=/var/run",
    "postgres://u:pw@host\n/db",
    "\npostgres://u:pw@host/db\n",
    "/var/run/postgresql",
    "/var/run/postgresql portal",
    "socket:/tmp/?db=x",
)
