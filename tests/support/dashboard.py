"""Every route of the dashboard with the access that it declares."""

from __future__ import annotations

from flask import Flask

from petition.web.dashboard.access import Access

GOODBYES = {"organise_sign_in.sign_out", "organise_account.sign_out_everywhere"}


def routes(app: Flask) -> list[tuple[str, str, str, Access | None]]:
    """Method, path, endpoint and access of every route of the dashboard."""
    return [
        (method, rule.rule, rule.endpoint, getattr(app.view_functions[rule.endpoint], "access", None))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/organise")
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]
