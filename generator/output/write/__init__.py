"""Files are written all or none, and nobody else's is touched."""
