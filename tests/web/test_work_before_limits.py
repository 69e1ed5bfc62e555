"""No field of any route makes the server work on more than its limit: the length as sent is looked at before all else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Thread
from time import process_time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask.wrappers import Request
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from werkzeug.routing import Rule

from petition.campaigns import LONGEST_LETTER
from petition.core import clock, db
from petition.core.markdown import MOST, letter_html
from petition.organisers import recovery
from petition.web.dashboard import drafts
from petition.web.dashboard.answer import AnswerForm, DeliveryForm
from petition.web.dashboard.drafts import letter
from petition.web.dashboard.forms import LONGEST_TEXT
from petition.web.dashboard.update_forms import UpdateForm
from petition.web.forms.base import BaseForm, FormRefused
from petition.web.forms.fields import SENT, BooleanField, LengthFirst, leaves
from tests import make
from tests.support.hostile import campaigns_of_omar, comes_in
from tests.support.omar import Omar
from tests.support.suzie import mistakes

MARKS = "\u0315\u0300"
PILED = {
    "a run of marks": "a" + MARKS * 16_000,
    "marks of two marks": "a" + "\u0f73" * 20_000,
    "a long text": "é " * 150_000,
}
WAYS = {
    "campaign": "letter", "draft": "00" * 16, "wave": "00" * 16, "kind": "count", "lang": "en", "step": "who",
    "domain": "corp.example", "token": "x" * 43, "request_id": "00" * 16,
}  # fmt: skip


class Everywhere(MultiDict[str, str]):
    """A form or a query in which every field holds the same text, whatever it is called."""

    def __init__(self, text: str, known: dict[str, str]) -> None:
        super().__init__(known)
        self.text, self.known = text, known

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> str:
        return self.known.get(name, self.text)

    def get(self, name: str, default: Any = None, type: Any = None) -> Any:  # noqa: A002 (werkzeug's name)
        try:
            return type(self[name]) if type else self[name]
        except ValueError:
            return default

    def getlist(self, name: str, type: Any = None) -> list[Any]:  # noqa: A002 (werkzeug's name)
        return [self[name]]


class Work:
    """What the server did with texts: the longest that each expensive thing was given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.normalized, self.hashed, self.rendered = [""], [""], [""]
        normalize, html, hasher = unicodedata.normalize, letter.letter_html, recovery.HASHER

        class Hasher:
            hash = hasher.hash

            def verify(_self, hashed: str, code: str) -> bool:
                self.hashed.append(code)
                return hasher.verify(hashed, code)

        def normalizes(form: Any, text: str) -> str:
            self.normalized.append(text)
            return normalize(form, text)

        def renders(markdown: str, lang: str) -> Markup:
            self.rendered.append(markdown)
            return html(markdown[:100], lang)

        monkeypatch.setattr(unicodedata, "normalize", normalizes)
        monkeypatch.setattr(recovery, "HASHER", Hasher())
        monkeypatch.setattr(letter, "letter_html", renders)

    def check(self, where: object) -> None:
        runs = re.compile("[\u0300-\u036f\u0f73]{9,}")
        assert not any(runs.search(text) for text in self.normalized), where
        assert max(map(len, self.normalized)) <= SENT * LONGEST_LETTER, where
        assert max(map(len, self.hashed)) <= recovery.LONGEST_TYPED, where
        assert max(map(len, self.rendered)) <= LONGEST_LETTER, where


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    return Work(monkeypatch)


def filled(app: Flask, monkeypatch: pytest.MonkeyPatch, text: str, **known: str) -> None:
    """From now on every field of every request holds the text, but for the form's token."""

    class Filled(Request):
        form = property(lambda _self: Everywhere(text, known))
        args = property(lambda _self: Everywhere(text, {"lang": "en"}))

    monkeypatch.setattr(app, "request_class", Filled)


def address(rule: Rule, slug: str, writing: str) -> str:
    """An address that a rule leads to."""
    values = WAYS | {"slug": slug, "draft": writing}
    return re.sub(r"<(?:(\w+):)?(\w+)>", lambda found: "1" if found[1] else values.get(found[2], "x"), rule.rule)


def rules(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ()))):
        for method in sorted({"GET", "POST"} & (rule.methods or set())):
            yield rule, method


@pytest.mark.parametrize("text", PILED.values(), ids=PILED)
def test_no_field_of_any_route_is_worked_on_beyond_its_limit(
    app: Flask, slug: str, text: str, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P48."""
    someone, begun, writing = campaigns_of_omar(app, slug)
    browser = comes_in(app, someone)
    token = Omar(browser, slug, b"").token()
    filled(app, monkeypatch, text, token=token)
    for rule, method in rules(app):
        if rule.rule == "/organise/sign-out":
            continue
        for client in (browser, app.test_client()) if rule.rule.startswith("/organise") else (app.test_client(),):
            for at in {slug, begun} if "draft" in rule.rule else {slug}:
                answer = client.open(address(rule, at, writing), method=method)
                assert answer.status_code < 500, (rule, method)
                work.check((rule, method))


def test_no_text_of_a_call_is_worked_on_beyond_its_limit(client: FlaskClient, slug: str, work: Work) -> None:
    """P48."""
    names = (
        "address",
        "altcha",
        "lang",
        "challenge",
        "code",
        "blinded",
        "pass",
        "show",
        "name",
        "role",
        "comment",
        "withdraw",
    )
    for call in ("verify", "pass", "sign", "withdraw", "hide", "amend"):
        for name in names:
            answer = client.post(f"/api/campaigns/{slug}/{call}", json={name: "a" + MARKS * 1_200})
            assert answer.status_code == 422, (call, name)
            work.check((call, name))
    assert client.get(f"/api/campaigns/{slug}/signers", query_string={"q": "a" + MARKS * 500}).status_code == 400
    assert client.get(f"/c/{slug}/signers", query_string={"q": "a" + MARKS * 500}).status_code == 200
    work.check("q")


def every_form(below: type[BaseForm] = BaseForm) -> Iterator[type[BaseForm]]:
    for form in below.__subclasses__():
        yield form
        yield from every_form(form)


def test_every_field_of_every_form_looks_at_the_length_before_its_filters(app: Flask, work: Work) -> None:
    assert drafts
    with app.test_request_context("/"):
        for form in {*every_form()}:
            for field in leaves(form(meta={"languages": ["en"]})):
                if isinstance(field, BooleanField):
                    continue
                assert isinstance(field, LengthFirst), (form, field)
                with pytest.raises(FormRefused) as refused:
                    form.read(MultiDict({field.name: "é" * (SENT * field.longest() + 1)}), languages=["en"])
                assert refused.value.errors[field.name] == [f"Use {field.longest()} characters or fewer."]
    assert work.normalized == [""] or max(map(len, work.normalized)) == 0


@pytest.mark.parametrize("form", [UpdateForm, DeliveryForm, AnswerForm])
def test_texts_by_language_are_looked_at_first_and_get_one_sentence(
    app: Flask, work: Work, form: type[BaseForm]
) -> None:
    too_long, piled = "é" * (SENT * LONGEST_TEXT + 1), "a" + MARKS * 5
    with app.test_request_context("/"):
        for sent in (too_long, piled):
            with pytest.raises(FormRefused) as refused:
                form.read(Everywhere(sent, {}), languages=["en"], now=clock.now())
            assert {len(refused.value.errors.get(name, [""])) for name in ("text-en", "how-en", "note-en")} == {1}
            assert {"text-en", "how-en"} & {*refused.value.errors}
    assert not any(work.normalized)


def test_marks_without_end_get_a_sentence_and_the_text_stays(client: FlaskClient, slug: str) -> None:
    comment = "I stay" + MARKS * 50
    page = client.post(f"/c/{slug}/sign", data={"pass": "P2." + "A" * 427, "show": "anonymous", "comment": comment})
    assert page.status_code == 422
    assert mistakes(page) == ["One letter has more than 8 accents or other marks. Remove some of them."]
    assert comment in page.text
    page = client.post(f"/c/{slug}/sign?lang=fr", data={"show": "anonymous", "comment": comment, "lang": "fr"})
    assert "Une lettre porte plus de 8 accents" in page.text


def test_a_comment_in_parts_is_as_long_as_one_that_is_composed(client: FlaskClient, slug: str) -> None:
    with db.transaction() as session:
        from petition.campaigns import find_any

        campaign = find_any(session, slug)
        assert campaign
        held = make.a_pass(session, campaign).encode()
    comment = unicodedata.normalize("NFD", "ễ" * 280)
    page = client.post(f"/c/{slug}/sign", data={"pass": held, "show": "anonymous", "comment": comment})
    assert (page.status_code, len(comment)) == (422, 840)
    assert "Use 280 characters or fewer." not in page.text
    assert "Leave this empty" in page.text


def test_no_more_than_two_are_at_the_door_at_once_and_nobody_is_locked_out(app: Flask, slug: str, work: Work) -> None:
    """One code is compared, one waits, and the next is told to come again, whatever the names; those inside go on."""
    at_the_door = recovery.LOCKS[recovery.SIGN_IN]
    with ExitStack() as others:
        others.enter_context(at_the_door.taken())
        assert at_the_door._two.acquire(blocking=False)
        others.callback(at_the_door._two.release)
        client = app.test_client()
        for number in range(9):
            page = client.post("/organise/sign-in", data={"name": f"Nobody {number % 2}", "code": "0123-4567"})
            assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
            assert "Your code was not tried" in page.text
            assert f'value="Nobody {number % 2}"' in page.text
        with recovery.LOCKS[recovery.CONFIRM].taken():
            assert work.hashed == [""]
    page = client.post("/organise/sign-in", data={"name": "Nobody 0", "code": "0123-4567"})
    assert (page.status_code, work.hashed) == (403, ["", "01234567"])


def test_one_network_tries_thirty_codes_and_others_go_on(app: Flask, slug: str, work: Work) -> None:
    """P48, P36: whatever the names; nothing is hashed after that, and another network is let in."""
    client = app.test_client()
    network = {"REMOTE_ADDR": "192.0.2.1"}
    recovery.LOCKS[recovery.SIGN_IN]._paused_until = 0.0
    statuses = []
    for number in range(33):
        sent = {"name": f"Nobody {number}", "code": "0123-4567"}
        page = client.post("/organise/sign-in", data=sent, environ_base=network)
        statuses.append(page.status_code)
    assert statuses == [403] * 30 + [429] * 3
    assert len(work.hashed) == 31
    assert 0 < int(page.headers["Retry-After"]) <= 900
    assert "Too many codes were tried from this network. Wait 15 minutes, or use a passkey." in page.text
    assert 'value="Nobody 32"' in page.text
    other = client.post("/organise/sign-in", data=sent, environ_base={"REMOTE_ADDR": "192.0.2.2"})
    assert other.status_code == 403


def test_after_each_code_there_is_a_pause_in_proportion_to_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """P48: comparing codes takes a fifth of a processor at most, however many names are tried."""
    now, worked, slept = [100.0], [1.0], list[float]()

    def sleeps(seconds: float) -> None:
        slept.append(round(seconds, 3))
        now[0] += seconds

    monkeypatch.setattr(recovery, "monotonic", lambda: now[0])
    monkeypatch.setattr(recovery, "sleep", sleeps)
    monkeypatch.setattr(recovery, "thread_time", lambda: worked[0])
    turn = recovery._CodeLock()
    for work_takes in (0.02, 0.02, 2.0, 0.02):
        with turn.taken():
            now[0] += 30.0  # it waits for a processor
            worked[0] += work_takes
    now[0] += 60
    with turn.taken():
        pass
    assert slept == [0.0, 0.08, 0.08, 0.5, 0.0]


def test_who_is_next_waits_for_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    turn, order = recovery._CodeLock(), list[str]()
    monkeypatch.setattr(recovery, "LOCK_TIMEOUT", 30.0)

    def second() -> None:
        with turn.taken():
            order.append("second")

    waiting = Thread(target=second)
    with turn.taken():
        waiting.start()
        while turn._two._value:  # type: ignore[attr-defined]  # until it stands in line
            assert waiting.is_alive()
        with pytest.raises(recovery.RecoveryBusy), turn.taken():
            raise AssertionError
        order.append("first")
    waiting.join(30)
    assert order == ["first", "second"]


def test_who_waits_too_long_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "LOCK_TIMEOUT", 0.0)
    turn = recovery._CodeLock()
    with turn.taken():
        for _again in range(3):
            with pytest.raises(recovery.RecoveryBusy), turn.taken():
                raise AssertionError
    with turn.taken():
        pass


@pytest.mark.parametrize("piece", ['"', "'", "[", "*a_", "](", "# a\n", "> ", "- ", "a\n"])
def test_the_longest_letter_is_rendered_in_bounded_time(piece: str) -> None:
    """P48; measured: 0.6 s at most. Sixty thousand quotation marks took 1.8 s, with the square of their number."""
    began = process_time()
    letter_html((piece * LONGEST_LETTER)[:LONGEST_LETTER], "en")
    assert process_time() - began < 5


def test_quotation_marks_without_end_stay_straight() -> None:
    assert letter_html('"' * MOST["smartquotes"], "en").count("”") > 0
    assert letter_html('"' * (MOST["smartquotes"] + 1), "en").count("”") == 0
