"""Text that a target prints: escaping, templates, and templates of the user's."""
