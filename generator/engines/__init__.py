"""What a database server is like, engine by engine."""
