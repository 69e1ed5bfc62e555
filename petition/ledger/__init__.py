"""The ledger: every signature of a campaign is one line in an append-only Merkle log that anybody can recount.

`merkle`, `checkpoint`, `entries` and `bundle` are pure: they take bytes and return bytes. `log` stores the log in the
database. `verify` is the script that people download. It imports nothing from here, so that two independent programs
check each other.
"""
