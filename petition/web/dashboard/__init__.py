"""The organisers' pages: they require a signed-in organiser with a cookie, and they are never cached.

Each page checks `petition.organisers.may` first, through `access`. The rules for what organisers may do are in the
domain, not here.
"""
