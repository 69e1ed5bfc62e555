"""The addresses of a draft's pages and forms, below `/organise`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint

from petition.web.dashboard import access
from petition.web.dashboard.drafts import begin, demands, domains, form_steps, letter, milestones, opening

# fmt: off
ROUTES: Final[tuple[tuple[str, str, Callable[..., Any]], ...]] = (
    ("GET", "/new", begin.new),
    ("POST", "/new", begin.begin),
    ("GET", "/c/<slug>/duplicate", begin.duplicate_page),
    ("POST", "/c/<slug>/duplicate", begin.duplicate),
    ("GET", "/c/<slug>/draft", opening.checklist),
    ("GET", "/c/<slug>/draft/preview", opening.preview),
    ("GET", "/c/<slug>/open", opening.open_page),
    ("POST", "/c/<slug>/open", opening.ask_to_open),
    ("GET", "/c/<slug>/draft/letter", letter.letters),
    ("GET", "/c/<slug>/draft/letter/<lang>", letter.letter),
    ("POST", "/c/<slug>/draft/letter/<lang>", letter.save_letter),
    ("POST", "/c/<slug>/draft/languages", letter.add_language),
    ("POST", "/c/<slug>/draft/languages/<lang>/remove", letter.remove_language),
    ("POST", "/c/<slug>/preview", letter.preview_text),
    ("GET", "/c/<slug>/draft/demands", demands.demands),
    ("POST", "/c/<slug>/draft/demands", demands.add_demand),
    ("POST", "/c/<slug>/draft/demands/<int:number>", demands.change_demand),
    ("GET", "/c/<slug>/draft/domains", domains.domains),
    ("POST", "/c/<slug>/draft/domains", domains.save_domain),
    ("POST", "/c/<slug>/draft/domains/<domain>/remove", domains.remove_domain),
    ("POST", "/c/<slug>/draft/domains/try", domains.try_address),
    ("GET", "/c/<slug>/draft/milestones", milestones.milestones),
    ("POST", "/c/<slug>/draft/milestones", milestones.add_milestone),
    ("POST", "/c/<slug>/draft/milestones/remove", milestones.remove_milestone),
    ("GET", "/c/<slug>/draft/<step>", form_steps.step),
    ("POST", "/c/<slug>/draft/<step>", form_steps.save_step),
)
# fmt: on


def make_blueprint() -> Blueprint:
    """Create the blueprint of these routes. It accepts larger forms than others, because they hold whole letters."""
    bp = access.blueprint("drafts", largest_form=access.LARGEST_FORM)
    for method, path, view in ROUTES:
        bp.add_url_rule(path, view.__name__, view, methods=[method])
    return bp


bp = make_blueprint()
