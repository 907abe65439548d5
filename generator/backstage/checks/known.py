"""The keys that mean something in ``backend.database``, and what people write instead."""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BASE: Final = _words("""
    client connection prefix schemaPrefix ensureExists ensureSchemaExists pluginDivisionMode role knexConfig skipMigrations
    plugin
""")

#: What knex reads of its configuration.
KNEX: Final = _words("""
    client dialect connection role
    pool searchPath acquireConnectionTimeout debug asyncStackTraces useNullAsDefault version log migrations seeds
    postProcessResponse wrapIdentifier compileSqlOnError fetchAsString jsonbSupport userParams
""")

#: Backstage spreads all of backend.database into knex's configuration, so what knex reads has an effect here as well.
BASE_AND_KNEX: Final = BASE | (KNEX - {"dialect"})

PLUGIN: Final = _words("client connection ensureExists ensureSchemaExists knexConfig role skipMigrations")

#: Read at the base only; a plugin that sets one is ignored.
BASE_ONLY: Final = _words("prefix schemaPrefix pluginDivisionMode keepalive")

#: Not in every version: see :mod:`generator.backstage.versions`.
KEEPALIVE: Final = "keepalive"

#: Parts of a connection that are often written one level too high.
CONNECTION_ONLY: Final = _words("""
    host hostname port user username password database ssl filename directory connectionString socketPath
    application_name instance tokenCredential
""")

#: For Backstage, pg, mysql2 and the SQLite drivers.
CONNECTION: Final = _words("""
    type instance ipAddressType tokenCredential region

    user password host port database ssl connectionString application_name fallback_application_name
    connectionTimeoutMillis idleTimeoutMillis keepAlive keepAliveInitialDelayMillis statement_timeout query_timeout
    lock_timeout idle_in_transaction_session_timeout client_encoding options binary stream types sslnegotiation
    max min maxLifetimeSeconds replication enableChannelBinding

    uri socketPath charset timezone connectTimeout multipleStatements dateStrings decimalNumbers supportBigNumbers
    bigNumberStrings flags localAddress compress enableKeepAlive insecureAuth debug trace typeCast queryFormat
    namedPlaceholders rowsAsArray connectionLimit passwordSha1 authPlugins connectAttributes stringifyObjects
    maxPreparedStatements disableEval jsonStrings

    filename directory nativeBinding readonly fileMustExist timeout verbose mode
""")

SSL: Final = _words("""
    ca cert key passphrase pfx rejectUnauthorized servername checkServerIdentity minVersion maxVersion ciphers
    secureProtocol secureOptions secureContext crl dhparam ecdhCurve honorCipherOrder sigalgs ALPNProtocols requestCert
    enableTrace timeout host port path session verifyIdentity
""")

#: What other tools call it.
ALIASES: Final = {
    "username": "user",
    "userName": "user",
    "login": "user",
    "hostname": "host",
    "hostName": "host",
    "server": "host",
    "address": "host",
    "pass": "password",
    "passwd": "password",
    "pwd": "password",
    "db": "database",
    "dbname": "database",
    "dbName": "database",
    "databaseName": "database",
    "url": "connectionString",
    "tls": "ssl",
    "caFile": "ca",
    "rejectUnauthorised": "rejectUnauthorized",
}
