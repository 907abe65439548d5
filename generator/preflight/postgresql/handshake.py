"""Why TLS with a PostgreSQL server is not to be trusted. libpq only says that it is not; OpenSSL knows, in Node's words."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from typing import TYPE_CHECKING, Final

from generator.preflight.deadlines import hang_up_after

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How Node's error for a certificate of another name begins.
MISMATCH: Final = "Hostname/IP does not match certificate's altnames"
_SSL_REQUEST: Final = struct.pack("!ii", 8, 80877103)
_NO_ISSUER: Final = 20
_HOSTNAME_MISMATCH: Final = (62, 64)


def certificate_problem(wanted: Mapping[str, str], timeout: float) -> str | None:
    """What Node would say about the server's certificate; ``None`` when that cannot be found out.

    Args:
        wanted: libpq's parameters, with ``sslrootcert`` as a file.
    """
    host = wanted["host"].split(",")[0]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with contextlib.suppress(OSError, ValueError):
        context.load_verify_locations(cafile=wanted["sslrootcert"])
        place = (wanted.get("hostaddr") or host).split(",")[0], int(wanted["port"].split(",")[0])
        # The socket's own timeout is for each byte anew.
        with socket.create_connection(place, timeout) as line, hang_up_after(line.fileno(), timeout):
            return _greeted(line, context, host)
    return None


def _greeted(line: socket.socket, context: ssl.SSLContext, host: str) -> str | None:
    line.sendall(_SSL_REQUEST)
    if line.recv(1) != b"S":
        return None
    try:
        with context.wrap_socket(line, server_hostname=host):
            return None
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in _HOSTNAME_MISMATCH:
            return f"{MISMATCH}: …"
        if error.verify_code == _NO_ISSUER:  # which of the two depends on how long the server's chain is
            return "unable to verify the first certificate (or: unable to get local issuer certificate)"
        return str(error.verify_message)
