"""greenroom.yaml: what it says, and how it is read."""
