"""Pages and summaries of a project, for people: what each plugin has, where it was written, what is left to do."""
