"""The ledger: every signature of a campaign as one line in an append-only Merkle log that anybody can recount.

`merkle`, `checkpoint`, `entries` and `bundle` are pure: bytes in, bytes out. `log` keeps the log in the database.
`verify` is the script that a reader downloads; it imports nothing from here, so that one side checks the other.
"""
