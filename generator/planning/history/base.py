"""Which commit a change is compared with: ``--base``, or what a CI service says about the change it runs for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_COMMIT: Final = re.compile(r"0+")


class Base(NamedTuple):
    """What to compare with. ``revision`` is a commit or branch; with ``diverged`` the merge base with it counts, since what
    it got later is none of this change's. ``source`` says who named it."""

    revision: str
    source: str
    diverged: bool = True


def base_of_ci(environ: Mapping[str, str]) -> Base | None:
    """The base of the change that a CI service runs for, from its environment variables; ``None`` outside of one.

    A pull (merge) request is compared with its target, a push with what was there before it. Where a service does not say
    what was there before, that is the first parent.

    Sources: the variables each service documents (GitHub Actions ``GITHUB_EVENT_PATH``, GitLab ``CI_MERGE_REQUEST_*`` and
    ``CI_COMMIT_BEFORE_SHA``, Bitbucket ``BITBUCKET_PR_DESTINATION_*``, Azure DevOps ``SYSTEM_PULLREQUEST_*``).
    """
    if environ.get("GITHUB_ACTIONS"):
        return _github(environ)
    if environ.get("GITLAB_CI"):
        return _gitlab(environ)
    if environ.get("BITBUCKET_BUILD_NUMBER"):
        target = environ.get("BITBUCKET_PR_DESTINATION_COMMIT") or _branch(environ.get("BITBUCKET_PR_DESTINATION_BRANCH"))
        return _target(target, "Bitbucket Pipelines")
    if environ.get("TF_BUILD"):
        return _target(_branch(environ.get("SYSTEM_PULLREQUEST_TARGETBRANCH")), "Azure Pipelines")
    return None


def _github(environ: Mapping[str, str]) -> Base:
    event = _event(environ.get("GITHUB_EVENT_PATH", ""))
    name = "GitHub Actions"
    for key, part in (("pull_request", "base"), ("merge_group", None)):
        change = event.get(key)
        if isinstance(change, dict):
            commit = change.get("base_sha") if part is None else (change.get(part) or {}).get("sha")
            if isinstance(commit, str):
                return Base(commit, name)
    if branch := environ.get("GITHUB_BASE_REF"):
        return Base(f"origin/{branch}", name)
    return _before(event.get("before"), name)


def _event(path: str) -> dict[str, Any]:
    try:
        event = json.loads(Path(path).read_bytes()) if path else {}
    except (OSError, ValueError):
        return {}
    return event if isinstance(event, dict) else {}


def _gitlab(environ: Mapping[str, str]) -> Base:
    if environ.get("CI_MERGE_REQUEST_IID"):
        target = environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA") or _branch(environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"))
        return _target(target, "GitLab CI")
    return _before(environ.get("CI_COMMIT_BEFORE_SHA"), "GitLab CI")


def _target(target: str | None, source: str) -> Base:
    return Base(target, source) if target else _before(None, source)


def _branch(name: str | None) -> str | None:
    return f"origin/{name.removeprefix('refs/heads/')}" if name else None


def _before(commit: object, source: str) -> Base:
    """What a push found. The first push of a branch, and other events, have nothing but the commit's own parent."""
    if isinstance(commit, str) and commit and not _NO_COMMIT.fullmatch(commit):
        return Base(commit, source, diverged=False)
    return Base("HEAD^", source, diverged=False)
