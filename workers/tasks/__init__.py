"""Celery tasks: each loads rows and calls the domain. They take ids, return nothing, and can safely run twice."""
