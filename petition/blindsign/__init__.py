"""Blind stamps and the passes made with them. Everything is a pure function: no database, no clock, no settings.

`rsabssa` implements the signature scheme of RFC 9474. `passes` builds the passes of this project on it.
"""
