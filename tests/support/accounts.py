"""Ways into the dashboard: recovery codes and passkeys."""

from __future__ import annotations

import re

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.authenticator import Device
from tests.support.omar import Omar


def codes_of(page: str) -> list[str]:
    """The codes that a page shows."""
    found = re.search(r'<textarea id="codes"[^>]*>\s*(.*?)</textarea>', page, re.DOTALL)
    assert found
    return found[1].split()


def renewed(omar: Omar) -> list[str]:
    """Recovery codes asked for anew on the account page."""
    answer = omar.does("/organise/account/codes")
    assert answer.status_code == 200
    return codes_of(answer.text)


def with_passkey(omar: Omar, device: Device, name: str = "Telephone") -> TestResponse:
    """A passkey of this device added on the account page; the answer."""
    options = omar.does("/organise/account/passkeys/challenge").json
    assert isinstance(options, dict)
    return omar.does("/organise/account/passkeys", passkey=name, credential=device.make(options))


def by_code(client: FlaskClient, name: str, code: str, **typed: str) -> TestResponse:
    """The answer to a sign-in with a name and a recovery code."""
    return client.post("/organise/sign-in", data={"name": name, "code": code} | typed)


def invited(omar: Omar, role: str = "editor") -> str:
    """The path of an invitation's link, as the page shows it once."""
    page = omar.does("~/team/invite", role=role)
    assert page.status_code == 200
    found = re.search(r"http://localhost(/organise/invitation/[\w-]+)", page.text)
    assert found
    return found[1]
