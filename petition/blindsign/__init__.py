"""Blind stamps and the passes made with them. Pure functions: no database, no clock, no settings.

`rsabssa` is the signature scheme of RFC 9474; `passes` is what this house builds on it.
"""
