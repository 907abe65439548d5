"""The target ``cloudformation``: a secret and a custom resource per plugin, and the functions that serve them.

CloudFormation has no resource for a database or a role inside a server. The functions are ordinary Python in ``functions/``
beside this module; what is generated is a copy of them, byte for byte, and the templates.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

from generator.problems.paths import shown
from generator.targets.base import Artifact, Entrance, Target
from generator.targets.cloudformation.checks import check_context
from generator.targets.cloudformation.escaping import FILTERS
from generator.targets.cloudformation.parameters import example
from generator.targets.cloudformation.readme import readme_view
from generator.targets.cloudformation.servers import KINDS
from generator.targets.cloudformation.shape import ROOT, ROOT_FILE, Shape, stack_file
from generator.targets.cloudformation.templates import nested_view, root_parameters, root_view
from generator.targets.text.templates import render_template

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    from generator.problems.diagnostic import Diagnostics
    from generator.targets.base import RenderContext

FUNCTIONS: Final = Path(__file__).with_name("functions")


class CloudFormationTarget(Target):
    """The target ``cloudformation``."""

    def check(self, context: RenderContext, diagnostics: Diagnostics) -> None:
        """Report what CloudFormation cannot carry (GR67x), and what is wrong with the files of parameters (GR68x)."""
        check_context(context, diagnostics)

    def render(self, context: RenderContext) -> list[Artifact]:
        """The templates, the functions, an example of a parameter file and the README, sorted by path.

        No artifact at all when nothing has to exist.
        """
        shape = Shape.of(context)
        if not shape.plan.plugins:
            return []
        artifacts = [
            Artifact("README.md", _render("README.md.j2", readme_view(shape))),
            Artifact(ROOT_FILE, _render("databases.yaml.j2", root_view(shape))),
            Artifact("parameters.example.json", example(root_parameters(shape))),
            *function_files(),
        ]
        artifacts += [
            Artifact(stack_file(stack), _render("nested.yaml.j2", nested_view(shape, stack)))
            for stack in shape.stacks
            if stack != ROOT
        ]
        for server in shape.plan.servers:
            artifacts += KINDS[server.kind].artifacts(server, shape.plan, data_api=shape.data_api)
        return sorted(artifacts, key=lambda artifact: artifact.path)

    def way(self, folder: Path, files: Collection[Path]) -> str:  # noqa: ARG002 - as the others
        """The templates, with the commands of their README."""
        return f"CloudFormation in {shown(folder)} (README.md has the commands)"

    def entrance(
        self,
        context: RenderContext,  # noqa: ARG002 - as the others
        at: str,
        artifacts: list[Artifact],
    ) -> Entrance | None:
        """The first steps; all values are in a file of parameters."""
        if not artifacts:
            return None
        commands = (f"cp -n {shlex.quote(f'{at}/parameters.example.json')} ../parameters.json",)
        what = "fill in the copy of the parameters, then follow the README there: it packages and deploys the stacks"
        return Entrance("platform engineers (CloudFormation)", what, commands)

    def read_back(self, artifacts: list[Artifact]) -> set[tuple[str, ...]]:
        """What the templates create, from their custom resources as a YAML parser reads them."""
        from generator.targets.cloudformation.readback import read_back

        return read_back(artifacts)


def function_files() -> list[Artifact]:
    """The functions' folder as it is deployed."""
    found = [*FUNCTIONS.glob("*.txt"), *FUNCTIONS.rglob("*.py")]
    return [
        Artifact(f"functions/{path.relative_to(FUNCTIONS).as_posix()}", path.read_text(encoding="utf-8"))
        for path in sorted(found)
    ]


def _render(name: str, view: Mapping[str, Any]) -> str:
    return render_template("cloudformation", name, view, FILTERS)


TARGET: Final = CloudFormationTarget()
