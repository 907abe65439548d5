"""Cloud sign-in for PostgreSQL (``connection.type``): the checks Backstage makes, and the connection without its token.

The real connection is made when a client connects: a password is fetched from the cloud each time. What is known
beforehand is everything else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from generator.backstage.config.reader import ConfigError, ConfigReader
from generator.backstage.javascript import lodash
from generator.documents.javascript import to_string
from generator.documents.values import ConfigMap, Placeholder

if TYPE_CHECKING:
    from generator.backstage.database.settings import DatabaseSettings
    from generator.problems.diagnostic import Location

INSTANCE = re.compile(r"[^:]+(?::[^:]+)?:[^:]+:[^:]+")
_TENANT = re.compile(r"[0-9a-zA-Z.-]+")

_RDS_INCOMPLETE = (
    "AWS RDS IAM auth: missing required database connection config — make sure connection.host, connection.port, and "
    "connection.user are set and any environment variables they reference are set"
)
_RDS_NO_REGION = "Missing region for AWS RDS IAM auth: set connection.region or the AWS_REGION environment variable"
_BAD_TENANT = (
    "Invalid tenant id provided. You can locate your tenant id by following the instructions listed here: "
    "https://learn.microsoft.com/partner-center/find-ids-and-domain-names."
)


def cloud_connection(settings: DatabaseSettings, kind: Any, connection: Any, location: Location | None) -> ConfigMap:
    """The connection of ``kind`` (``azure``, ``cloudsql``, ``rds``) without a password.

    ``location`` is where the kind was written. Raises ``ConfigError`` where Backstage refuses to create a client.
    """
    reader = ConfigReader(ConfigMap({"connection": connection}))
    try:
        if kind == "azure":
            return _azure(reader)
        if kind == "cloudsql":
            return _cloud_sql(reader, settings.behaviour.address_types)
        if kind == "rds":
            return _rds(reader, settings)
    except ConfigError as error:
        raise ConfigError(error.name, error.message, error.location or location, "backend.database.connection") from None
    try:
        message = f"Unknown connection type: {to_string(kind)}"
    except TypeError as error:
        raise ConfigError("TypeError", str(error), location, "backend.database.connection.type") from None
    raise ConfigError("Error", message, location, "backend.database.connection.type")


def _rds(reader: ConfigReader, settings: DatabaseSettings) -> ConfigMap:
    try:
        reader.get_string("connection.host")
        port = reader.get_optional("connection.port")
        if settings.behaviour.blank_number_throws and isinstance(port, str) and not port.strip():
            place = reader.locate("connection.port")
            raise ConfigError("Error", "Unable to convert config value for key 'connection.port' to a number", place)
        if not isinstance(port, Placeholder):
            reader.get_number("connection.port")
        reader.get_string("connection.user")
    except ConfigError as error:
        message = f"{_RDS_INCOMPLETE}; caused by {error}"
        raise ConfigError(error.name, message, error.location, error.path) from None
    region = reader.get_optional_string("connection.region")
    if region is None and not settings.keep and not _region_of(settings):
        raise ConfigError("Error", _RDS_NO_REGION)
    return lodash.omit(reader.get("connection"), ("type", "region", "password"))


def _region_of(settings: DatabaseSettings) -> str | None:
    # `??` falls through for a variable that is not set, not for an empty one.
    region = settings.environ.get("AWS_REGION")
    return region if region is not None else settings.environ.get("AWS_DEFAULT_REGION")


def _azure(reader: ConfigReader) -> ConfigMap:
    token = reader.get_optional_config("connection.tokenCredential")
    if token is not None:
        if token.has("tokenRenewableOffsetTime"):
            from generator.backstage.javascript.duration import check_duration

            check_duration(token, "tokenRenewableOffsetTime")
        client_id = token.get_optional_string("clientId")
        tenant_id = token.get_optional_string("tenantId")
        client_secret = token.get_optional_string("clientSecret")
        complete = client_id and tenant_id and client_secret
        if complete and not isinstance(tenant_id, Placeholder) and not _TENANT.fullmatch(tenant_id or ""):
            raise ConfigError("Error", _BAD_TENANT, token.locate("tenantId"))
    return lodash.omit(reader.get("connection"), ("type", "instance", "tokenCredential", "password"))


def _cloud_sql(reader: ConfigReader, known: tuple[str, ...]) -> ConfigMap:
    instance = reader.get_optional_string("connection.instance")
    if not instance:
        raise ConfigError("Error", "Missing instance connection name for Cloud SQL")
    address_type = reader.get_optional_string("connection.ipAddressType")
    if address_type is not None and not isinstance(address_type, Placeholder) and address_type not in known:
        message = f"Invalid connection.ipAddressType: {address_type}; valid values: {', '.join(known)}"
        raise ConfigError("Error", message, reader.locate("connection.ipAddressType"))
    if not isinstance(instance, Placeholder) and not INSTANCE.fullmatch(instance):
        message = (
            'Malformed Instance connection name, expected an instance connection name in the form "PROJECT:REGION:INSTANCE" '
            "or a valid domain name"
        )
        raise ConfigError("CloudSQLConnectorError", message, reader.locate("connection.instance"))
    return lodash.omit(reader.get("connection"), ("type", "instance", "password"))
