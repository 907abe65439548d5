"""What preflight asks of PostgreSQL."""
