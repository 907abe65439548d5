"""What Backstage does with a configuration and a repository. Nothing about infrastructure is in here."""
