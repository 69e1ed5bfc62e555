"""Work in several transactions. A loop opens each one, calls the domain inside it, and says what happens between two.

A loop knows nothing of Celery: the tasks call it, and so does a command.
"""
