"""Work that takes several transactions. A loop opens each transaction and calls the domain inside it.

Loops do not depend on Celery: tasks call them, and so does a command.
"""
