"""What a rule would change in a file, and how that is done."""
