"""The CloudFormation functions know the same of database servers as greenroom does."""

from __future__ import annotations

import importlib.util
from pathlib import Path

TOOL = Path(__file__).resolve().parents[3] / "tools" / "function_facts.py"


def test_the_functions_copy_of_the_facts() -> None:
    spec = importlib.util.spec_from_file_location("function_facts", TOOL)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.PATH.read_text(encoding="utf-8") == tool.text(), "write it anew: .venv/bin/python tools/function_facts.py"
