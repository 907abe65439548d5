"""The way from a project to files: the only room that runs the stages in order."""
