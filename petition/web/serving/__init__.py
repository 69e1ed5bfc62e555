"""The web server's handling of connections.

A request is read completely, within a deadline, before it gets a thread.
"""
