"""The CloudFormation functions know the same of database servers as greenroom does."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from generator.engines import MYSQL

TOOL = Path(__file__).resolve().parents[3] / "tools" / "function_facts.py"


def test_the_functions_copy_of_the_facts() -> None:
    spec = importlib.util.spec_from_file_location("function_facts", TOOL)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    again = "write it anew: .venv/bin/python tools/function_facts.py"
    assert tool.PATH.read_text(encoding="utf-8") == tool.text(), again
    for name in tool.COPIED:
        assert (tool.FUNCTIONS / name).read_bytes() == (tool.PROJECT / "generator/engines" / name).read_bytes(), again


def test_the_functions_own_database_is_nobodys() -> None:
    """Where they keep whose an object is: the engine's list of reserved names has it by its name."""
    source = (TOOL.parents[1] / "generator/targets/cloudformation/functions/plugin_databases/mysql_registry.py").read_text()
    (name,) = re.findall(r'^REGISTRY(?:: Final)? = "(\w+)"$', source, re.MULTILINE)
    assert name in MYSQL.databases
