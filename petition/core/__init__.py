"""This package holds infrastructure that has no domain knowledge."""
