"""A server that is in use already, seen with the plan's eyes: what there is of it, and what stands in the way."""
