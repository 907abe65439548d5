"""Files are written once all of them can be, and nobody else's is touched."""
