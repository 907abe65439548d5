"""Build hook: compiles the templates into the package, so that nobody has to wait for it at run time."""

from __future__ import annotations

import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileTemplates(BuildHookInterface):
    """Makes ``generator/compiled-templates``, in the wheel and beside an editable installation."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Compile before the files are collected; the folder is not under version control, so it is named here."""
        sys.path.insert(0, self.root)
        sys.dont_write_bytecode = True
        from generator.targets.text.templates import compile_all

        compile_all()
        build_data["artifacts"].append("/generator/compiled-templates/")
