"""P48: somebody tries names and codes without end, from a network of their own each time; the processor is not theirs."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address
from time import monotonic, thread_time
from typing import Any, Final

import pytest
from flask import Flask

from petition.organisers import recovery
from tests.support.accounts import with_passkey
from tests.support.authenticator import Device
from tests.support.figures import Write
from tests.support.omar import Omar

SECONDS: Final = 5
THREADS: Final = 4


class Counted:
    """The hasher of recovery codes, and the processor time that it took."""

    def __init__(self) -> None:
        self.hasher, self.times = recovery.HASHER, list[float]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.hasher, name)

    def verify(self, hashed: str, code: str) -> bool:
        began = thread_time()
        try:
            return self.hasher.verify(hashed, code)
        finally:
            self.times.append(thread_time() - began)


@pytest.mark.proof
def test_codes_without_end_take_a_fifth_of_a_processor_and_a_passkey_still_signs_in(
    app: Flask, omar: Omar, monkeypatch: pytest.MonkeyPatch, figure: Write
) -> None:
    with_passkey(omar, device := Device())
    counted = Counted()
    monkeypatch.setattr(recovery, "HASHER", counted)
    until = monotonic() + SECONDS

    def floods(_: int) -> list[int]:
        answers = []
        while monotonic() < until:
            network = {"REMOTE_ADDR": str(IPv4Address(secrets.randbelow(2**31) + 2**24))}
            sent = {"name": secrets.token_hex(8), "code": "0123-4567-89ab-cdef"}
            answers.append(app.test_client().post("/organise/sign-in", data=sent, environ_base=network).status_code)
        return answers

    with ThreadPoolExecutor(THREADS) as crowd:
        flooding = [crowd.submit(floods, number) for number in range(THREADS)]
        signed_in = 0
        while monotonic() < until - 0.5:
            client = app.test_client()
            options = client.post("/organise/sign-in/challenge").json
            assert isinstance(options, dict)
            answer = client.post("/organise/sign-in/passkey", data={"credential": device.ask(options)})
            assert answer.status_code == 303
            signed_in += 1
        answers = [status for each in flooding for status in each.result()]
    share = sum(counted.times) / SECONDS
    figure("P48: codes compared a second in a flood of them", len(counted.times) / SECONDS, "")
    figure("P48: their share of a processor", share, "≤ 0.25")
    figure("P48: sign-ins by passkey a second meanwhile", signed_in / SECONDS, "≥ 1")
    assert {*answers} == {403, 503}
    assert share <= 0.25
    assert signed_in >= SECONDS
