"""TLS to the server: always on, always verified, the host name included."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from typing import TYPE_CHECKING

from .failures import RefusedError, TransientError

if TYPE_CHECKING:
    from .deadline import Deadline

_CONNECT_SECONDS = 10
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)


def make_context(ca: str) -> ssl.SSLContext:
    """A context that trusts the certificate authorities in ``ca`` (PEM), or the system's when it is empty.

    Raises:
        RefusedError: ``ca`` is no PEM.
    """
    try:
        context = ssl.create_default_context(cadata=ca or None)
    except (ssl.SSLError, ValueError) as error:
        raise RefusedError("CaBundle holds no certificate in PEM format") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # The regional bundles of RDS predate this check of Python 3.13.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def explain(host: str, port: int, error: Exception) -> Exception:
    """What to raise for an error of the network or of TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return RefusedError(
            f"the certificate of {host}:{port} cannot be verified: {getattr(error, 'verify_message', error)}. "
            "Give the certificate authority in CaBundle (rds, system, an https address or PEM text), and the host name the "
            "certificate is for"
        )
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return TransientError(f"{host}:{port}: {text or type(error).__name__}")


def connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """A TCP connection that notices a server that went away.

    Raises:
        TransientError: there is none to be had now.
    """
    try:
        plain = socket.create_connection((host, port), timeout=deadline.timeout(_CONNECT_SECONDS))
    except OSError as error:
        raise explain(host, port, error) from error
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    plain.settimeout(deadline.timeout())
    return plain


def postgresql_socket(host: str, port: int, context: ssl.SSLContext, deadline: Deadline) -> ssl.SSLSocket:
    """A verified TLS connection to PostgreSQL, before anything secret is said.

    Raises:
        RefusedError: the server has no TLS, or a certificate that cannot be verified.
        TransientError: the connection broke.
    """
    plain = connect(host, port, deadline)
    try:
        plain.sendall(_SSL_REQUEST)
        answer = plain.recv(1)
        if answer == b"N":
            raise RefusedError(f"{host}:{port} has no TLS: switch it on (ssl = on, rds.force_ssl = 1)")
        if answer != b"S":
            raise TransientError(f"{host}:{port}: the connection was closed before TLS began")
        return context.wrap_socket(plain, server_hostname=host)
    except OSError as error:
        raise explain(host, port, error) from error
    finally:
        # After a successful wrap this object holds no descriptor any more.
        with contextlib.suppress(OSError):
            plain.close()
