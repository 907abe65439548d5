"""From artifacts to files: which are rendered, where they go, what changes, and whether they say what was resolved."""
