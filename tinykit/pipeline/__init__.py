"""The order of the stages, and the road from a project to a report."""
