"""What Mallory sends who took over an owner's browser: generated forms with a good token, on every route of the dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from werkzeug.routing import Rule

from tests.support.figures import Write
from tests.support.hostile import TEXT, campaigns_of_omar, comes_in, encodable, paths
from tests.support.omar import Omar

MOMENTS = st.sampled_from([
    "2026-12-24", "0001-01-01", "9999-12-31", "2026-12-24T18:30", "2099-12-24T18:30", "0001-01-01T00:00+14:00",
    "9999-12-31T23:59-14:00", "9999-12-31T23:59", "2026-13-99T99:99", "2027-W01-1", "20270101T000000",
])  # fmt: skip
CHOICES = st.sampled_from([
    "owner", "editor", "name", "role", "comment", "anonymous", "fraud", "request", "count", "share", "journal", "signing",
    "codes", "mail", "method:work_email", "yes", "en", "fr", "de", "met", "preview", "with", "corp.example", "new.example",
    "https://news.example/page", "http://[", "https://exa mple", "suzie@corp.example", "suzie@mail.example",
    "**bold** <script>alert(1)</script> [a](javascript:alert(1))", "=1+1", "\r\nSet-Cookie: a=b", "{{ 7*7 }}", "ab" * 16,
])  # fmt: skip
LARGE = st.sampled_from(
    ["0", "1", "10", "100", "2147483648", "999999999", "9" * 30, "9" * 5_000, "-1", "１２", "١٢", "²"]
)
TYPED = st.one_of(TEXT.map(encodable), MOMENTS, CHOICES, LARGE)
ONE = (
    "id", "role", "what", "why", "q", "team", "comment", "shown", "repeated", "first", "last", "since", "until", "epoch",
    "seen", "size", "kind", "value", "mail_readers", "mail_organisers", "open_names", "do", "address", "lang", "language",
    "next", "name", "code", "passkey", "credential", "slug", "title", "markdown", "closes_at", "opens_at", "domain", "plus",
    "dots", "hosts", "shared", "remove", "workforce", "batch_min", "interval", "public_min", "zone", "hour",
    "weekday", "addressee", "organisation", "due", "mail_due", "delivered", "answered", "after", "before", "days", "deed",
    "by", "page", "preview", "up", "down", "do-not", "range", "value_0", "value_1", "value_99", "languages",
)  # fmt: skip
EACH = (
    "text", "how", "note", "state", "day", "source", "title", "addressee_role", "organisers", "notice", "label_0",
    "workforce_source", "privacy", "imprint",
)  # fmt: skip
FIELDS = st.one_of(
    st.sampled_from(ONE),
    st.builds("{}{}{}".format, st.sampled_from(EACH), st.sampled_from("-_"), st.sampled_from(["en", "fr", "1"])),
)


def of_organisers(app: Flask) -> Iterator[Rule]:
    """Every rule of the dashboard, in one order."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/organise")]
    yield from sorted(rules, key=lambda rule: (rule.rule, sorted(rule.methods or ())))


def test_generated_forms_of_a_signed_in_owner_meet_no_fault_of_ours(
    app: Flask, slug: str, long: bool, figure: Write
) -> None:
    """P34 for the dashboard: an error that nobody foresaw is raised by the app of the tests, and fails here by itself."""
    omar, begun, writing = campaigns_of_omar(app, slug)
    rules = list(of_organisers(app))
    each = 10_000 // len(rules) + 1 if long else 4
    told = [sum(generated(app, comes_in(app, omar), rule, (slug, begun, writing), each)) for rule in rules]
    figure(f"P34: 5xx of {each * len(rules):,} generated inputs of an owner on {len(rules)} routes", sum(told), "0")
    assert sum(told) == 0


def generated(app: Flask, client: FlaskClient, rule: Rule, known: tuple[str, str, str], times: int) -> list[bool]:
    """Whether each of so many requests to one route was answered with a 5xx."""
    outcomes: list[bool] = []
    slug, begun, writing = known
    omar = Omar(client, slug, b"")
    token = omar.token()
    methods = ["POST"] if "POST" in (rule.methods or ()) else ["GET"]
    there = {
        "slug": st.sampled_from([slug, begun]), "draft": st.one_of(st.just(writing), TEXT),
        "kind": st.sampled_from(["count", "share", "x"]), "lang": st.sampled_from(["en", "fr", "de"]),
        "step": st.sampled_from(["who", "roles", "teams", "workforce", "visible", "batches", "mail", "dates", "legal", "x"]),
        "domain": st.one_of(st.just("corp.example"), TEXT),
    }  # fmt: skip
    fields = st.dictionaries(FIELDS, TYPED, max_size=12)

    @settings(
        max_examples=times, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(
        path=paths(rule, slug, **{name: each for name, each in there.items() if name in rule.arguments}),
        method=st.sampled_from(methods), typed=fields, query=fields,
    )  # fmt: skip
    def send(path: str, method: str, typed: dict[str, Any], query: dict[str, Any]) -> None:
        answer = client.open(
            path, method=method, query_string=query, data=typed | {"token": token} if method == "POST" else None
        )
        outcomes.append(answer.status_code >= 500)

    send()
    return outcomes


def test_numbers_and_moments_that_are_none_are_answered_with_a_sentence(app: Flask, slug: str) -> None:
    omar, begun, writing = campaigns_of_omar(app, slug)
    own = f"/organise/c/{begun}/draft"
    for due in ("0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "9999-12-31T23:59"):
        page = omar.does(f"~/updates/{writing}/publish", due=due)
        assert page.status_code == 422, due
        assert "Enter a date and a time, such as 2026-11-24T18:30." in page.text
    for number in ("²", "9" * 5_000):
        assert omar.does(f"{own}/batches", batch_min="5", interval=number).status_code == 422
        assert omar.does(f"{own}/batches", batch_min=number, interval="5").status_code == 422
        assert omar.does(f"{own}/milestones", kind="share", value=number).status_code == 422
        assert omar.does(f"{own}/roles", **{f"value_{number}": "Engineer", "value_0": "x" * 500}).status_code == 422
        assert omar.does("~/milestones", kind="count", value=number).status_code == 422
    for path in ("milestones/count", "signers", "draft/demands"):
        for large in ("2147483648", "9223372036854775808", "9" * 5_000, "²"):
            assert omar.client.get(f"/organise/c/{slug}/{path}/{large}").status_code in {404, 405}, (path, large[:20])


def test_a_text_with_characters_that_cannot_be_seen_is_refused_beside_its_field(app: Flask, slug: str) -> None:
    omar, _begun, writing = campaigns_of_omar(app, slug)
    for text in ("To\x00come", "To\u202ecome", "To\ue000come"):
        for path in ("~/updates/new", f"~/updates/{writing}"):
            page = omar.does(path, **{"text-en": text, "text-fr": "À venir"})
            assert page.status_code == 422, (path, text)
            assert "This text contains characters that cannot be seen." in page.text
