"""`doctor`: MTA-STS, record and policy file, against a real DNS server and a real web server with TLS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from petition.core import clock
from petition.operation import Context, Dns, Verdict
from tests.support.certificate import DAY, Files, server_side
from tests.support.dns_server import Names, Zone, dns_server, txt
from tests.support.doctor import bare, is_, look
from tests.support.proxies import App
from tests.support.served import served

OK, WARNING, FAULT = Verdict
DOMAIN = "letters.example"
HOST = f"mta-sts.{DOMAIN}"
ZONE: Zone = {
    (f"_mta-sts.{DOMAIN}", "TXT"): txt("v=STSv1; id=20261130"),
    (HOST, "A"): ["127.0.0.1"],
    (DOMAIN, "MX"): ["10 mx1.relay.example.", "20 MX2.relay.example."],
}
GOOD = "version: STSv1\r\nmode: enforce\r\nmx: mx1.relay.example\r\nmx: *.relay.example\r\nmax_age: 604800\r\n"


def policy(text: bytes, status: str = "200 OK") -> Callable[[str], App]:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        assert environ["PATH_INFO"] == "/.well-known/mta-sts.txt"
        start_response(status, [("Content-Type", "text/plain")])
        return [text]

    return lambda _url: app


@pytest.fixture
def judged(tmp_path: Path, certified: Callable[..., Files], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """What the check finds with a policy file, a certificate and a zone."""

    def judge(
        text: bytes | str = GOOD, status: str = "200 OK", host: str = HOST, end: timedelta = DAY, **zone: Any
    ) -> Any:
        files = certified(host, end=end, start=-3 * DAY)
        monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))
        content = text if isinstance(text, bytes) else text.encode()
        names = Names({**ZONE, **zone.get("records", {})})
        with dns_server(names) as resolver, served(policy(content, status), HOST, server_side(files)) as url:
            port = int(url.rsplit(":", 1)[1])
            context = Context(bare(tmp_path), clock.now, Dns(resolver, seconds=1), https_port=port)
            return look(context, "mta-sts", DOMAIN)

    return judge


def test_a_policy_that_names_every_mail_server_is_in_order(judged: Callable[..., Any]) -> None:
    is_(judged(), OK, "must come over TLS")


@pytest.mark.parametrize(
    ("text", "status", "verdict", "words"),
    [
        (GOOD.replace("enforce", "testing"), "200 OK", WARNING, "mode testing"),
        (GOOD.replace("enforce", "none"), "200 OK", WARNING, "mode none"),
        (GOOD.replace("enforce", "banana"), "200 OK", FAULT, "holds no policy"),
        (GOOD.replace("STSv1", "STSv2"), "200 OK", FAULT, "holds no policy"),
        (GOOD, "404 Not Found", FAULT, "holds no policy"),
        (GOOD, "301 Moved Permanently", FAULT, "holds no policy"),
        ("", "200 OK", FAULT, "holds no policy"),
        (b"\xff\xfe\x00\x1b[2J", "200 OK", FAULT, "holds no policy"),
        ("<!doctype html>" + "x" * 200_000, "200 OK", FAULT, "holds no policy"),
        (GOOD.replace("mx: *.relay.example\r\n", ""), "200 OK", FAULT, "does not name its mail server mx2.relay.example"),
        (GOOD.replace("*.relay", "*.other"), "200 OK", FAULT, "mx2.relay.example"),
        (GOOD.replace("*.relay.example", "*.example"), "200 OK", FAULT, "mx2.relay.example"),
    ],
)  # fmt: skip
def test_what_a_policy_means(
    judged: Callable[..., Any], text: str | bytes, status: str, verdict: Verdict, words: str
) -> None:
    """A star stands for one label (RFC 8461 §4.1)."""
    is_(judged(text, status), verdict, words)


def test_records_that_are_missing_or_doubled(judged: Callable[..., Any]) -> None:
    where = (f"_mta-sts.{DOMAIN}", "TXT")
    is_(judged(records={where: []}), WARNING, "has no MTA-STS policy")
    is_(judged(records={where: txt("v=STSv1; id=1", "v=STSv1; id=2")}), FAULT, "2 records")


def test_a_policy_that_cannot_be_fetched_over_tls_is_a_fault(judged: Callable[..., Any]) -> None:
    """Senders ask for a good certificate of that very host."""
    is_(judged(host="other.example"), FAULT, "cannot be fetched", "another host")
    is_(judged(end=-DAY), FAULT, "cannot be fetched", "has expired")
    is_(judged(records={(HOST, "A"): []}), FAULT, "cannot be fetched", "no address")
