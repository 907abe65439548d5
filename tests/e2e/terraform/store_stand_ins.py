"""Vault and Kubernetes, as far as their Terraform providers talk to them to keep a secret: HTTP in, a dictionary behind it.

The providers are the real ones. These servers remember what they were told, count versions, and know nothing else.
"""

from __future__ import annotations

import base64
import json
import threading
import uuid
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIME = "2026-01-01T00:00:00Z"


class StandIn:
    """Somewhere to keep secrets. ``url`` is where it listens, ``unknown`` what it was asked and did not understand."""

    def __init__(self) -> None:
        self.url = ""
        self.unknown: list[str] = []
        self.lock = threading.Lock()

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        """Status and document."""
        raise NotImplementedError

    def password(self, name: str) -> str:
        """The password in the secret ``name``, as it is now."""
        raise NotImplementedError


class VaultStandIn(StandIn):
    """The KV engine, version 2, at ``kv``."""

    def __init__(self) -> None:
        super().__init__()
        self.versions: dict[str, list[dict[str, str] | None]] = {}

    def password(self, name: str) -> str:
        latest = self.versions[name][-1]
        assert latest is not None, f"the latest version of {name} is deleted"
        return latest["password"]

    def write(self, name: str, data: dict[str, str]) -> None:
        """A new version of a secret."""
        self.versions.setdefault(name, []).append(data)

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        if path == "/v1/auth/token/lookup-self":
            return 200, {"data": {"id": "x", "policies": ["root"], "ttl": 0, "type": "service"}}
        if path.startswith("/v1/sys/"):
            return 200, {"initialized": True, "sealed": False, "version": "1.19.0", "enterprise": False}
        kind, _, name = path.removeprefix("/v1/kv/").partition("/")
        if kind == "data" and method in ("PUT", "POST"):
            self.write(name, body["data"])
            return 200, {"data": self._metadata(name, len(self.versions[name]))}
        if kind == "data" and method == "GET":
            kept = self.versions.get(name, [])
            number = int(query.get("version", ["0"])[0]) or len(kept)
            if not 0 < number <= len(kept) or kept[number - 1] is None:
                return 404, {"errors": []}
            return 200, {"data": {"data": kept[number - 1], "metadata": self._metadata(name, number)}}
        if kind == "metadata" and method in ("PUT", "POST"):
            return 204, None
        if kind == "metadata" and method == "GET" and name in self.versions:
            settings = {"cas_required": False, "custom_metadata": None, "delete_version_after": "0s", "max_versions": 0}
            return 200, {"data": settings}
        if kind == "data" and method == "DELETE":  # of the latest version; all others stay
            self.versions[name][-1] = None
            return 204, None
        self.unknown.append(f"{method} {path}")
        return 404, {"errors": []}

    def _metadata(self, name: str, number: int) -> dict[str, Any]:
        del name
        return {
            "created_time": _TIME,
            "custom_metadata": None,
            "deletion_time": "",
            "destroyed": False,
            "version": number,
        }


class KubernetesStandIn(StandIn):
    """Secrets of every namespace."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets: dict[str, dict[str, Any]] = {}
        self.changes = 0

    def password(self, name: str) -> str:
        return base64.b64decode(self.secrets[name]["data"]["password"]).decode()

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        del query
        parts = path.strip("/").split("/")
        if parts[:3] != ["api", "v1", "namespaces"] or len(parts) < 5 or parts[4] != "secrets":
            self.unknown.append(f"{method} {path}")
            return 404, self._status(404)
        if method == "POST":
            name = body["metadata"]["name"]
            if name in self.secrets:
                return 409, self._status(409)
            return 201, self._make(name, parts[3], body)
        name = parts[5]
        if name not in self.secrets:
            return 404, self._status(404)
        if method == "PATCH":
            for change in body:
                self._patch(self.secrets[name], change)
            return 200, self._changed(name)
        if method == "DELETE":
            return 200, self.secrets.pop(name)
        return 200, self.secrets[name]

    def write(self, name: str, namespace: str, data: dict[str, str]) -> None:
        """A Secret that somebody else makes."""
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        self._make(name, namespace, {"metadata": {"name": name}, "data": encoded, "type": "Opaque"})

    def _make(self, name: str, namespace: str, body: dict[str, Any]) -> dict[str, Any]:
        self.secrets[name] = {**body, "kind": "Secret", "apiVersion": "v1"}
        self.secrets[name]["metadata"] |= {"namespace": namespace, "uid": str(uuid.uuid4()), "creationTimestamp": _TIME}
        return self._changed(name)

    def _changed(self, name: str) -> dict[str, Any]:
        self.changes += 1
        self.secrets[name]["metadata"]["resourceVersion"] = str(self.changes)
        return self.secrets[name]

    @staticmethod
    def _patch(target: dict[str, Any], change: dict[str, Any]) -> None:
        *folders, last = [part.replace("~1", "/").replace("~0", "~") for part in change["path"].strip("/").split("/")]
        for folder in folders:
            target = target.setdefault(folder, {})
        if change["op"] == "remove":
            target.pop(last, None)
        else:
            target[last] = change["value"]

    @staticmethod
    def _status(code: int) -> dict[str, Any]:
        reason = {404: "NotFound", 409: "AlreadyExists"}[code]
        return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code, "message": reason}


class IdentityStandIn(StandIn):
    """The service that tells a machine in Azure who it is. It says so to everybody, and signs nothing."""

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        del method, path, body
        who = dict.fromkeys(("oid", "tid", "appid", "sub"), "00000000-0000-0000-0000-000000000000")
        parts = (json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, who))
        token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
        resource = query.get("resource", [""])[0]
        return 200, {"access_token": f"{token}.", "expires_in": "3600", "token_type": "Bearer", "resource": resource}


_MAGIC = b"k8s\0"


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a Protocol Buffers message that are texts, bytes or messages, by number."""
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        field, kind = divmod(number(), 8)
        size = number()
        if kind == 2:
            yield field, data[at : at + size]
            at += size


def _entries(fields: list[tuple[int, bytes]], number: int) -> dict[str, bytes]:
    maps = [dict(_fields(content)) for field, content in fields if field == number]
    return {item[1].decode(): item.get(2, b"") for item in maps}


def _secret(data: bytes) -> dict[str, Any]:
    """A Secret in the encoding Kubernetes' own clients prefer, as JSON has it."""
    secret = list(_fields(dict(_fields(data.removeprefix(_MAGIC)))[2]))
    metadata = list(_fields(dict(secret)[1]))
    return {
        "metadata": {
            "name": dict(metadata)[1].decode(),
            "annotations": {key: value.decode() for key, value in _entries(metadata, 12).items()},
        },
        # The API takes texts (stringData) beside bytes, and has both under `data` from then on.
        "data": {
            key: base64.b64encode(value).decode() for number in (2, 4) for key, value in _entries(secret, number).items()
        },
        "type": dict(secret)[3].decode(),
    }


def _document(sent: bytes) -> Any:
    if not sent:
        return None
    return _secret(sent) if sent.startswith(_MAGIC) else json.loads(sent)


@contextmanager
def serving(stand_in: StandIn) -> Iterator[StandIn]:
    """Let ``stand_in`` listen on the loopback interface."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            address = urlsplit(self.path)
            body = None if self.command == "DELETE" else _document(sent)  # which only has options
            with stand_in.lock:
                code, document = stand_in.answer(self.command, address.path, parse_qs(address.query), body)
            text = b"" if document is None else json.dumps(document).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _any  # noqa: N815 - names of http.server

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stand_in.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
