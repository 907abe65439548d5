"""Findings for those who read them: SARIF, and annotations of GitHub."""
