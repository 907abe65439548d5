"""The functions are deployed as a folder of their own: here it is on the path, as in Lambda."""

from __future__ import annotations

import sys
from pathlib import Path

FUNCTIONS = Path(__file__).resolve().parents[3] / "generator" / "targets" / "cloudformation" / "functions"
sys.path.insert(0, str(FUNCTIONS))
