"""The user's own .tf files beside the generated ones."""
