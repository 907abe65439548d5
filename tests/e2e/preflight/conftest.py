"""Servers in every broken state, and the real Backstage beside preflight on each of them."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS), *(str(TESTS / name) for name in ("unit/targets", "e2e/postgres"))]
