"""A decorator that renders a page again with what was typed, when the form or the domain rejects it.

No error makes people lose their text, and the transaction of the view is over before the page is rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from inspect import signature
from typing import Any, Final

from flask import Response, g, request

from petition.web import errors, security_events
from petition.web.forms.base import BaseForm, FormRefused

View = Callable[..., Response]
ALL: Final = range(400, 600)


def redraw(
    page: View, *refusals: type[Exception], form: type[BaseForm] = BaseForm, field: str = "",
    statuses: Collection[int] = ALL,
) -> Callable[[View], View]:  # fmt: skip
    """Render `page` again, with the error's status, when a view raises FormRefused or one of `refusals`.

    The page gets the form that the view read, with the messages of the error, and those arguments of the view that it
    names. An error without a field of its own belongs to `field` if its status is in `statuses`, else to the form as a
    whole. `form` is the class that the page shows. If the view read no form, the page gets what was posted; if it read
    one of another class, the page gets an empty one.
    """
    parameters = signature(page).parameters
    expected: tuple[type[Exception], ...] = (FormRefused, *refusals)

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(**values: Any) -> Response:
            try:
                return view(**values)
            except expected as error:
                security_events.record(error)
                rendered = page(
                    _refused(error), **{name: value for name, value in values.items() if name in parameters}
                )
                return with_status(error, rendered)

        def _refused(error: Exception) -> BaseForm:
            read: BaseForm = g.get("form") or form(request.form)
            return refused(read if isinstance(read, form) else form(), error, field, statuses)

        return wrapped

    return decorate


def refused(form: BaseForm, error: Exception, field: str = "", statuses: Collection[int] = ALL) -> BaseForm:
    """Add an error and its messages to a form, and return the form."""
    form.refusal = error
    if isinstance(error, FormRefused) and error.form is form:
        return form
    description = errors.explain(error)
    sentences = description.errors or {field if description.status in statuses else "": [description.sentence]}
    for name, each in ((name, each) for name, listed in sentences.items() for each in listed):
        form.refuse(name, each)
    return form


def with_status(error: Exception, page: Response) -> Response:
    """Give a rendered page the status of its error and the time after which to try again."""
    description = errors.explain(error)
    page.status_code = description.status
    if description.retry_after is not None:
        page.headers["Retry-After"] = str(description.retry_after)
    return page
