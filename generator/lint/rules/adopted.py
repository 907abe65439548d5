"""The rules that earlier stages report themselves, under the same code in every command.

The loader reports GR101 to GR117, resolving GR201 to GR204, ``generator.backstage.checks`` the others. Lint shows them with
the rest; what is listed here gives each a name and a page.
"""

from __future__ import annotations

from typing import Final

from generator.lint.fix import fixes
from generator.lint.model import ERROR, INFO, WARNING, Rule

_LOADER = "config-loader: ConfigSources, transform/"
_YAML = "npm yaml (YAML 1.2 core), as config-loader calls it"
_DOCS = "docs/conf/writing.md"

RULES: Final = (
    Rule("GR101", "file-missing", ERROR, "A configuration file does not exist.", _LOADER),
    Rule("GR102", "file-unreadable", ERROR, "A configuration file cannot be read.", _LOADER),
    Rule("GR103", "file-not-utf-8", ERROR, "A configuration file is not UTF-8.", _LOADER, also=(WARNING,)),
    Rule("GR104", "not-yaml", ERROR, "A configuration file is not valid YAML 1.2.", _YAML),
    Rule("GR105", "duplicate-key", ERROR, "A key is there twice in one mapping.", _YAML),
    Rule("GR106", "not-one-mapping", ERROR, "A file holds several documents, or no mapping.", _YAML),
    Rule("GR107", "odd-key-or-tag", WARNING, "A mapping is used as a key, or a tag is not known.", _YAML),
    Rule("GR108", "bad-alias", ERROR, "An alias has no anchor, is inside it, or is used too often.", _YAML),
    Rule("GR109", "too-deep", ERROR, "Values are nested too deeply.", _YAML),
    Rule("GR110", "bad-include", ERROR, "An include key is used wrongly.", _DOCS),
    Rule("GR111", "include-unusable", ERROR, "An included file cannot be used.", _DOCS),
    Rule("GR112", "include-cycle", ERROR, "Includes go round in a circle.", _LOADER),
    Rule("GR113", "include-missing", ERROR, "An included file does not exist.", _DOCS, also=(WARNING, INFO)),
    Rule(
        "GR114",
        "bad-app-config-variable",
        ERROR,
        "An APP_CONFIG_ variable cannot be used.",
        "config-loader: sources/EnvConfigSource.ts",
    ),
    Rule("GR115", "bad-env-file", ERROR, "A line of an environment file cannot be used.", "greenroom --env-file"),
    Rule("GR117", "default-without-dash", WARNING, "`${X:y}` is no default value.", _DOCS, fix=fixes.add_dash),
    Rule("GR201", "backstage-fails", ERROR, "Backstage fails with this configuration.", "backend-defaults: DatabaseManager"),
    Rule("GR202", "not-known-here", INFO, "Only the run-time environment can tell.", "greenroom --env-file", also=(ERROR,)),
    Rule("GR203", "no-database", WARNING, "There is no backend.database.", "backend-defaults: databaseServiceFactory.ts"),
    Rule("GR204", "unlikely-plugin-id", WARNING, "A plugin id looks like another one written wrong.", "issues 34743, 28472"),
    Rule(
        "GR210",
        "wrong-type",
        ERROR,
        "A value has the wrong type.",
        "backend-defaults: config.d.ts; pg, mysql2",
        fix=fixes.quote_number,
    ),
    Rule("GR211", "unknown-key", WARNING, "There is no such setting.", "backend-defaults: config.d.ts"),
    Rule("GR212", "misplaced-key", WARNING, "A setting is in the wrong place.", "backend-defaults: config.d.ts"),
    Rule(
        "GR213", "password-written-out", WARNING, "A password is written into the file.", "docs/conf/writing.md; issue 22535"
    ),
    Rule(
        "GR215",
        "unknown-include",
        ERROR,
        "There is no such include.",
        "config-loader: transform/include.ts",
        fix=fixes.secret_to_env,
    ),
    Rule(
        "GR051",
        "file-name-for-a-server",
        ERROR,
        "The connection of a database server is the file name of a SQLite database.",
        "pg-connection-string: new URL(text, 'postgres://base')",
    ),
    Rule(
        "GR220",
        "connection-string-malformed",
        ERROR,
        "A connection string is no URL with a host.",
        "pg-connection-string: new URL(text, 'postgres://base')",
    ),
    Rule(
        "GR221",
        "url-of-another-engine",
        WARNING,
        "The URL is one of another database, and the client is pg.",
        "pg-connection-string/index.js (the scheme is not read)",
    ),
    Rule(
        "GR222",
        "tls-key-not-read",
        WARNING,
        "A key that seems to switch TLS is not read by the driver.",
        "pg/lib/connection-parameters.js (config.ssl), mysql2/lib/connection_config.js (validOptions)",
    ),
    Rule(
        "GR223",
        "ssl-option-not-read",
        WARNING,
        "An option inside ssl is not read, and an object there means TLS.",
        "pg/lib/connection.js (upgradeToSSL), mysql2/lib/connection_config.js, Node's tls",
    ),
    Rule(
        "GR224",
        "mysql-ssl-true",
        ERROR,
        "ssl: true is nothing mysql2 can use.",
        "mysql2/lib/connection_config.js (SSL profile must be an object)",
        fix=fixes.mysql_tls,
    ),
    Rule(
        "GR225",
        "token-without-tls",
        WARNING,
        "A cloud's token is sent over a connection without TLS.",
        "Amazon RDS: IAM database authentication; Azure: require_secure_transport",
    ),
    Rule(
        "GR226",
        "url-option-not-read",
        WARNING,
        "An option of a connection URL has no effect, or another one.",
        "pg-connection-string/index.js; backend-defaults: connectors/mysql.ts (parseMysqlConnectionString)",
    ),
    Rule(
        "GR227",
        "prefix-of-the-other-mode",
        WARNING,
        "prefix or schemaPrefix is set, and the mode uses the other one.",
        "backend-defaults: connectors/postgres.ts (computePgPluginConfig)",
    ),
    Rule(
        "GR228",
        "client-for-development",
        WARNING,
        "The client is one that only a development server knows.",
        "cli-module-build: lib/runner/startEmbeddedDb.ts; backend-defaults: DatabaseManager",
        also=(ERROR,),
    ),
    Rule(
        "GR229",
        "app-config-inside",
        WARNING,
        "The file holds an app-config and is none.",
        "Helm chart of Backstage: backstage.appConfig; Kubernetes: ConfigMap",
        also=(ERROR,),
    ),
    Rule("GR232", "several-hosts", ERROR, "A connection names several hosts.", "pg/lib/connection.js, mysql2 (net.connect)"),
    Rule("GR230", "template-not-rendered", ERROR, "A database setting is a template of Helm.", "helm template"),
    Rule(
        "GR231", "no-app-config-inside", ERROR, "There is no app-config where --config says.", "greenroom --config FILE#PATH"
    ),
    Rule(
        "GR216",
        "url-in-host",
        ERROR,
        "A connection string is written as host or database.",
        "pg/lib/connection-parameters.js",
    ),
    Rule("GR218", "host-holds-more", ERROR, "A host holds more than a host.", "pg/lib/connection.js, mysql2 (net.connect)"),
    Rule(
        "GR001",
        "ssl-as-text",
        ERROR,
        "ssl is a text, which the driver cannot use.",
        "pg/lib/connection.js, mysql2 SSL profiles",
        fix=fixes.unquote_ssl,
    ),
    Rule(
        "GR004",
        "certificate-path",
        ERROR,
        "A certificate is given as the path of a file.",
        "pg/lib/connection.js, Node's tls",
        fix=fixes.read_file,
        also=(WARNING,),
    ),
    Rule(
        "GR024",
        "plugin-ensure-schema-ignored",
        WARNING,
        "A plugin's own ensureSchemaExists is ignored.",
        "backend-defaults: connectors/postgres.ts (getEnsureSchemaExistsConfig)",
    ),
    Rule(
        "GR035",
        "unknown-division-mode",
        WARNING,
        "There is no such plugin division mode.",
        "backend-defaults: connectors/postgres.ts",
    ),
    Rule(
        "GR062",
        "connection-string-inside",
        WARNING,
        "connectionString overrules the database of every plugin.",
        "pg/lib/connection-parameters.js",
    ),
)

#: Shown by lint as something to know. GR202: greenroom cannot tell, which is no fault of the configuration. GR113, as
#: a warning: an include that is not there and has nothing to do with databases, mostly a file that only deployments have.
#: GR229: nothing in such a file was looked at.
LOWERED: Final = {("GR202", ERROR): INFO, ("GR113", WARNING): INFO, ("GR229", ERROR): WARNING}
