"""The demonstration: everything, on a throw-away PostgreSQL."""
