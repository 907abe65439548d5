"""Text to values that know where they were written: YAML, JSON, dotenv, JSON Schema."""
