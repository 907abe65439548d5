"""The certificate authorities that a server is verified with, fetched where SqlFunction cannot get at them."""

from __future__ import annotations

import os
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from .failures import RefusedError

if TYPE_CHECKING:
    from .deadline import Deadline

_BYTES = 2_000_000
_ATTEMPTS = 3
_bundles: dict[str, str] = {}


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follows no redirect to an address that anybody on the way could answer for."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if not newurl.startswith("https://"):
            raise urllib.error.URLError(f"it leads to {newurl.partition(':')[0]}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def certificates(bundle: str, stack_id: str, deadline: Deadline) -> str:
    """The certificate authorities that ``CaBundle`` means, in PEM; empty for the system's own.

    Raises:
        RefusedError: they cannot be had.
    """
    if bundle == "system" or bundle.startswith("-----BEGIN"):
        return "" if bundle == "system" else bundle
    address = _trust_store(os.environ.get("AWS_REGION") or stack_id.split(":")[3]) if bundle == "rds" else bundle
    if not address.startswith("https://"):
        raise RefusedError("CaBundle is none of rds, system, an https address and PEM text")
    for attempt in range(_ATTEMPTS if address not in _bundles else 0):
        try:
            _bundles[address] = _fetch(address, deadline.timeout(20))
            break
        except (OSError, ValueError) as error:
            if attempt == _ATTEMPTS - 1:
                raise RefusedError(f"the certificates cannot be fetched from {address}: {error}") from error
            time.sleep(min(1.0, deadline.timeout()))
    return _bundles[address]


def _trust_store(region: str) -> str:
    """Where Amazon RDS keeps the authorities of a region: each of AWS's partitions has a place of its own."""
    place = (
        "rds-truststore.s3.cn-north-1.amazonaws.com.cn" if region.startswith("cn-")
        else "truststore.pki.us-gov-west-1.rds.amazonaws.com" if region.startswith("us-gov-")
        else "truststore.pki.rds.amazonaws.com"
    )  # fmt: skip
    given = os.environ.get("RDS_TRUST_STORE_URL")
    return given.replace("{region}", region) if given else f"https://{place}/{region}/{region}-bundle.pem"


def _fetch(address: str, timeout: float) -> str:
    opener = urllib.request.build_opener(_HttpsOnly)
    with opener.open(address, timeout=timeout) as answer:
        text: str = answer.read(_BYTES).decode("ascii")
        return text
