"""Infrastructure without domain knowledge."""
