"""A stack and what git does: a revert, a branch from before, ``infra`` generated anew, a prefix there and back.

Every commit here is a real one. Whichever commit's templates are deployed, no row, role or secret goes.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from git_repository import GitRepository

if TYPE_CHECKING:
    from cfn_portal import Portal


class History:
    """The commits of a portal, and its stack."""

    def __init__(self, portal: Portal) -> None:
        self.portal, self.repository = portal, GitRepository(portal.folder)

    def change(self, message: str, *plugins: str) -> str:
        """Commit what greenroom generates for ``plugins``."""
        if plugins:
            self.portal.plugins = list(plugins)
        self.portal.generate()
        return self.repository.commit(message)

    def anew(self, message: str, *plugins: str) -> str:
        """The same into an empty folder, where nothing remembers what was generated before."""
        shutil.rmtree(self.portal.folder / "infra")
        with self.repository.without_history():
            if plugins:
                self.portal.plugins = list(plugins)
            self.portal.generate()
        return self.repository.commit(message)

    def deploy(self, *, take_over: bool = False) -> None:
        """Deploy the templates of the working tree; it has to succeed."""
        status = self.portal.deploy_templates(take_over=take_over)
        assert status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), (status, self.portal.reasons())

    def rows(self, *plugins: str) -> list[int]:
        """Add a row as each plugin, with the password of its secret; how many each has now."""
        return [self.portal.rows(name) for name in plugins]


@pytest.fixture
def history(portal: Portal) -> History:
    return History(portal)


def test_a_revert_of_the_commit_that_added_a_plugin(history: History) -> None:
    history.change("first", "catalog", "search")
    history.deploy()
    assert history.rows("catalog", "search") == [1, 1]
    history.change("techdocs", "catalog", "search", "techdocs")
    history.deploy()
    assert history.rows("techdocs") == [1]
    password = history.portal.password("techdocs")
    history.repository.revert()
    history.deploy()
    # It has its data, its role and its secret, and the password of the secret still opens the database.
    assert history.rows("catalog", "search", "techdocs") == [2, 2, 2]
    assert history.portal.password("techdocs") == password
    assert "backstage/production/database/techdocs" in history.portal.secrets - history.portal.own_secrets()
    # Back, and everybody works.
    history.change("techdocs again", "catalog", "search", "techdocs")
    history.deploy(take_over=True)
    assert history.rows("catalog", "search", "techdocs") == [3, 3, 3]
    history.portal.must_be_ready()


def test_a_template_of_a_branch_from_before(history: History) -> None:
    first = history.change("first", "catalog", "search")
    history.deploy()
    history.change("techdocs", "catalog", "search", "techdocs")
    history.deploy()
    assert history.rows("catalog", "search", "techdocs") == [1, 1, 1]
    history.repository.switch("older", first)
    history.change("auth", "auth", "catalog", "search")
    history.deploy()
    assert history.rows("auth", "catalog", "search", "techdocs") == [1, 2, 2, 2]
    history.repository.switch("main")
    history.change("both", "auth", "catalog", "search", "techdocs")
    history.deploy(take_over=True)
    assert history.rows("auth", "catalog", "search", "techdocs") == [2, 3, 3, 3]


def test_infra_generated_anew(history: History) -> None:
    history.change("first", "catalog", "search", "techdocs")
    history.deploy()
    assert history.rows("catalog", "search", "techdocs") == [1, 1, 1]
    history.change("without search", "catalog", "techdocs")
    history.deploy()
    # Nothing remembers `search` any more, and nothing of the others changes.
    history.anew("anew")
    with pytest.raises(ClientError, match="No updates are to be performed"):
        history.deploy()
    assert history.rows("catalog", "search", "techdocs") == [2, 2, 2]
    # Anew once more, with it: its data comes back.
    history.anew("anew, with search", "catalog", "search", "techdocs")
    history.deploy(take_over=True)
    assert history.rows("catalog", "search", "techdocs") == [3, 3, 3]


@pytest.mark.parametrize("way", ["revert", "anew"])
def test_a_prefix_there_and_back(history: History, way: str) -> None:
    """The function hears the old name from CloudFormation, so it does not matter what a lock file knows."""
    portal = history.portal
    if not portal.target.is_postgresql:
        pytest.skip("MySQL cannot rename a database: GR527 refuses the prefix")
    history.change("first", "catalog", "search")
    history.deploy()
    assert history.rows("catalog", "search") == [1, 1]
    plain = dict(portal.databases)
    portal.database, portal.databases = {"prefix": "portal_"}, {}
    history.change("prefix")
    history.deploy()
    assert portal.target.databases == {"portal_catalog", "portal_search"}
    if way == "revert":
        history.repository.revert()
    else:
        portal.database = {}
        history.anew("anew, without the prefix")
    portal.databases = plain
    history.deploy()
    assert portal.target.databases == {"backstage_plugin_catalog", "backstage_plugin_search"}
    assert history.rows("catalog", "search") == [2, 2]
