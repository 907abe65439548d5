"""MiniStack: CloudFormation, Secrets Manager, S3 and Lambda on 127.0.0.1, with the real functions and the real protocol.

It is no oracle for templates (see :func:`simplified`): what it proves is that the functions, called as CloudFormation calls
them, bring a real server from one state to the next.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[3]
CACHE = PROJECT / ".cache" / "ministack"
FUNCTIONS = PROJECT / "generator" / "targets" / "cloudformation" / "functions"
PACKAGES = ("ministack==1.5.33", "boto3")
REGION = "eu-central-1"


def _pip(python: Path | str, *arguments: str) -> None:
    subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", *arguments], check=True, capture_output=True, timeout=600
    )


def prepare() -> tuple[Path, Path]:
    """A virtual environment with MiniStack (it pins botocore), and the functions' drivers in a folder.

    Raises:
        OSError, subprocess.CalledProcessError: the packages cannot be had.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        environment, drivers = CACHE / "venv", CACHE / "drivers"
        if not (CACHE / "ready").exists():
            shutil.rmtree(environment, ignore_errors=True)
            shutil.rmtree(drivers, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, timeout=300)
            _pip(environment / "bin" / "python", *PACKAGES)
            _pip(environment / "bin" / "python", "--target", str(drivers), "-r", str(FUNCTIONS / "requirements.txt"))
            (CACHE / "ready").touch()
        return environment, drivers


@dataclass
class MiniStack:
    """A running one."""

    port: int
    drivers: Path
    log: Path
    _functions: dict[str, str] | None = None
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, name: str) -> Any:
        """The client of a service; making one takes longer than most of what is asked with it."""
        if name not in self._clients:
            self._clients[name] = self._new_client(name)
        return self._clients[name]

    def _new_client(self, name: str) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(
            name,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(read_timeout=300, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def upload_functions(self, folder: Path) -> dict[str, str]:
        """What ``aws cloudformation package`` does with the functions' folder, after ``pip install --target``."""
        if self._functions:  # greenroom writes the same ones each time
            return self._functions
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for root in (folder, self.drivers):
                for path in sorted(root.rglob("*")):
                    if path.is_file() and "__pycache__" not in path.parts:
                        archive.write(path, path.relative_to(root))
        self._functions = {"S3Bucket": "artifacts", "S3Key": self.upload("functions.zip", packed.getvalue())}
        return self._functions

    def upload(self, key: str, body: bytes) -> str:
        s3 = self.client("s3")
        with contextlib.suppress(Exception):
            s3.create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket="artifacts", Key=key, Body=body)
        return key


@contextlib.contextmanager
def ministack(folder: Path) -> Iterator[MiniStack]:
    """Run MiniStack for the length of a ``with`` block."""
    environment, drivers = prepare()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PG"))}
    variables |= {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "LAMBDA_EXECUTOR": "local",
        "RETRY_SECONDS": "20",
        "HOME": str(folder),
        "TMPDIR": str(folder),
    }
    log = folder / "ministack.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(environment / "bin" / "ministack")],
            env=variables,
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(process, port, log)
        yield MiniStack(port, drivers, log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=2):
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"MiniStack does not start: {log.read_text()[-2000:]}")


# --- templates --------------------------------------------------------------------------------------------------------


class _Loader(yaml.SafeLoader):
    """Reads the short forms of CloudFormation's functions."""


def _function(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _function)


def read_template(text: str) -> dict[str, Any]:
    """A template as data."""
    found: dict[str, Any] = yaml.load(text, _Loader)
    return found


def simplified(template: dict[str, Any], code: dict[str, str]) -> dict[str, Any]:
    """The template without what MiniStack does not have: rules, security groups, the functions' network."""
    template = {key: value for key, value in template.items() if key != "Rules"}
    dropped = {name for name, resource in template["Resources"].items() if resource["Type"].startswith("AWS::EC2::")}
    resources = {}
    for name, resource in template["Resources"].items():
        if name in dropped:
            continue
        variables = resource["Properties"].get("Environment", {}).get("Variables", {})
        for variable in [key for key in variables if key.startswith("AFTER_")]:
            del variables[variable]
        resource = _without(resource, dropped)
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"].pop("VpcConfig", None)
            resource["Properties"].pop("KmsKeyArn", None)  # with a key the functions get no environment
            resource["Properties"]["Code"] = code
        resources[name] = resource
    outputs = {key: value for key, value in template.get("Outputs", {}).items() if not _mentions(value, dropped)}
    return {**template, "Resources": resources, "Outputs": outputs}


def _mentions(value: Any, names: set[str]) -> bool:
    if isinstance(value, dict):
        target = value.get("Ref") or (value.get("Fn::GetAtt") or [None])[0]
        return target in names or any(_mentions(item, names) for item in value.values())
    return isinstance(value, list) and any(_mentions(item, names) for item in value)


def _without(value: Any, names: set[str]) -> Any:
    """The value without the properties that come from the named resources."""
    if isinstance(value, dict):
        kept = {}
        for key, item in value.items():
            if key == "DependsOn":
                item = [name for name in ([item] if isinstance(item, str) else item) if name not in names]
            if isinstance(item, dict) and len(item) == 1 and _mentions(item, names) and "Fn::Sub" not in item:
                continue
            kept[key] = _without(item, names)
        return kept
    if isinstance(value, list):
        return [_without(item, names) for item in value if not _mentions(item, names) or len(item) > 1]
    return value
