"""What JavaScript and its libraries do, as far as Backstage depends on it."""
