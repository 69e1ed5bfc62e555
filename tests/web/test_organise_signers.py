"""Signers and removals on the dashboard: looked through, hidden, removed, taken back; nobody else is read or added."""

from __future__ import annotations

import ast
import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from petition import epochs, signatures
from petition.campaigns import CampaignState, OpenCampaign, find_any
from petition.core import clock, db
from petition.ledger import log
from petition.ledger.entries import Visibility
from petition.organisers import Role, approvals, audit_log
from petition.organisers.actor import Actor
from petition.organisers.audit_log import Action
from petition.signatures import DisplayChoice, bulk_removal
from petition.signatures.tables import BulkRemoval, BulkRemovalState, Pending, Signature
from petition.usecases.acts import ACTS
from tests import make
from tests.support.omar import Omar, signed_in
from tests.support.signers import an_epoch, named
from tests.support.work import counted_queries

ROOT = Path(__file__).parents[2]


def index_of(name: str) -> int:
    with db.session() as session:
        return session.scalars(select(Signature.index).where(Signature.name == name)).one()


def bulk_removals() -> list[BulkRemoval]:
    with db.session() as session:
        return list(session.scalars(select(BulkRemoval).order_by(BulkRemoval.at)))


def told(omar: Omar) -> list[tuple[Action, dict[str, object]]]:
    with db.session() as session:
        found = find_any(session, omar.slug)
        assert found
        lines = [(line.action, line.about) for line in session.scalars(audit_log.lines(found.id))]
    return [
        line for line in lines if line[0] in {Action.SIGNER_HIDDEN, Action.SIGNATURES_REMOVED, Action.REMOVAL_UNDONE}
    ]


def hidden(page: str) -> dict[str, str]:
    """The form of a preview as a browser would send it back."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


def removed(omar: Omar, why: str = "fraud", **criteria: str) -> int:
    page = omar.searches("~/removals/new?" + "&".join(f"{name}={value}" for name, value in criteria.items()))
    assert page.status_code == 200
    return omar.does("~/removals/new", **(hidden(page.text) | {"why": why, "token": omar.token()})).status_code


def test_only_those_who_are_shown_by_name_are_in_the_list_and_nobody_else_is_found(omar: Omar) -> None:
    an_epoch(
        omar.slug, named("Suzie Quux", "Listen"), DisplayChoice(Visibility.NAME, name="Sealed Sally", publish_at=50),
        DisplayChoice(Visibility.ROLE, role="Designer"), make.ANONYMOUS,
    )  # fmt: skip
    with db.transaction() as session:
        campaign = find_any(session, omar.slug)
        assert campaign
        make.signature(session, campaign, named("Waiting Wanda"))
    for path in ("~/signers", "~/signers?q=s", "~/signers?q=sally", "~/removals/new?q=a", "~/removals/new?first=1"):
        page = (omar.searches if "q=" in path else omar.sees)(path).text
        assert "Sealed Sally" not in page
        assert "Waiting Wanda" not in page
    assert "1 signer<" in omar.sees("~/signers").text
    assert "Listen" in omar.sees("~/signers?comment=with&role=Engineer&epoch=1").text
    assert "No signer who is shown by name fits" in omar.searches("~/signers?q=sally").text
    assert "No signature in the ledger fits" in omar.searches("~/removals/new?q=sally").text
    assert "3 of them are not shown" in omar.sees("~/removals/new?first=1").text
    with db.session() as session:
        others = session.scalars(select(Signature.index).where(Signature.name != "Suzie Quux")).all()
    assert [omar.sees(f"~/signers/{index}").status_code for index in others] == [404] * 3
    assert omar.does(f"~/signers/{others[0]}/hide", what="name").status_code == 404
    assert omar.does(f"~/signers/{others[0]}/remove", why="fraud").status_code == 404


def test_nothing_for_organisers_adds_a_signature(app: Flask, omar: Omar) -> None:
    an_epoch(omar.slug, named("Suzie Quux"))
    with db.session() as session:
        before = [session.scalar(select(func.count()).select_from(table)) for table in (Signature, Pending)]
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/organise/c/") and "POST" in (rule.methods or set()):
            path = re.sub("<int:[a-z]+>", "1", rule.rule.replace("<slug>", omar.slug))
            omar.does(re.sub("<[^>]+>", "00", path), name="Mallory", why="fraud", what="comment")
    with db.session() as session:
        after = [session.scalar(select(func.count()).select_from(table)) for table in (Signature, Pending)]
    assert after == before
    rooms = [*ROOT.glob("petition/web/dashboard/**/*.py"), *ROOT.glob("petition/usecases/*.py")]
    called = {
        ast.unparse(node)
        for room in rooms for node in ast.walk(ast.parse(room.read_text())) if isinstance(node, ast.Attribute | ast.Name)
    }  # fmt: skip
    signing = {each for each in called if each.rpartition(".")[2] in {"redeem", "Pending", "Spent", "roll"}}
    assert signing == set()


def test_a_comment_is_hidden_and_the_name_stays(omar: Omar) -> None:
    an_epoch(omar.slug, named("Suzie Quux", "Listen"))
    index = index_of("Suzie Quux")
    assert "Listen" in omar.sees(f"~/signers/{index}").text
    assert omar.does(f"~/signers/{index}/hide", what="comment").status_code == 303
    page = omar.sees(f"~/signers/{index}").text
    assert "Listen" not in page
    assert "Hide the comment" not in page
    assert "Suzie Quux" in page


def test_a_name_is_hidden(omar: Omar) -> None:
    an_epoch(omar.slug, named("Suzie Quux", "Listen"))
    index = index_of("Suzie Quux")
    assert omar.does(f"~/signers/{index}/hide", what="nothing").status_code == 422
    assert omar.does(f"~/signers/{index}/hide", what="name").status_code == 303
    assert "Suzie" not in omar.sees("~/signers").text


def test_the_audit_log_records_what_was_hidden_and_names_nobody(omar: Omar) -> None:
    an_epoch(omar.slug, named("Suzie Quux", "Listen"))
    index = index_of("Suzie Quux")
    omar.does(f"~/signers/{index}/hide", what="comment")
    omar.does(f"~/signers/{index}/hide", what="name")
    assert told(omar) == [(Action.SIGNER_HIDDEN, {"what": "name"}), (Action.SIGNER_HIDDEN, {"what": "comment"})]


def test_the_figures_page_says_why_a_name_is_not_in_the_file(omar: Omar) -> None:
    an_epoch(omar.slug, named("Suzie Quux", "Listen"))
    omar.does(f"~/signers/{index_of('Suzie Quux')}/hide", what="comment")
    with db.transaction() as session:
        epochs.refresh_stale(session, clock.now())
    assert "the organisers hid the comment" in omar.client.get(f"/c/{omar.slug}/count").text
    assert "Suzie Quux" in omar.client.get(f"/c/{omar.slug}/signers").text


def test_one_signature_is_removed_for_a_reason_taken_back_and_final_with_the_batch(app: Flask, omar: Omar) -> None:
    (receipt,) = an_epoch(omar.slug, named("Suzie Quux"))
    index = index_of("Suzie Quux")
    assert omar.does(f"~/signers/{index}/remove").status_code == 422
    assert omar.does(f"~/signers/{index}/remove", why="duplicate").status_code == 303
    assert "Suzie" not in omar.sees("~/signers").text
    page = omar.sees("~/removals").text
    assert "Undo the removal of 1 signature" in page
    assert f"entry {index} of the ledger" in page
    assert "Suzie" not in page
    (removal,) = bulk_removals()
    assert omar.does(f"~/removals/{removal.id.hex()}/undo").status_code == 303
    assert "Suzie Quux" in omar.sees("~/signers").text
    assert omar.does(f"~/removals/{removal.id.hex()}/undo").status_code == 409
    assert omar.does(f"~/signers/{index}/remove", why="duplicate").status_code == 303
    an_epoch(omar.slug)
    page = omar.sees("~/removals").text
    assert "In the ledger" in page
    assert "Undo the removal" not in page
    assert omar.does(f"~/removals/{bulk_removals()[1].id.hex()}/undo").status_code == 409
    with db.session() as session:
        campaign = find_any(session, omar.slug)
        assert campaign
        assert log.head_of(session, campaign.id).removed == {"duplicate": 1}
        assert signatures.status_of(session, OpenCampaign.of(campaign), receipt.w0).why == "duplicate"


def test_a_receipt_says_that_its_signature_is_being_removed_and_later_why(app: Flask, omar: Omar) -> None:
    from petition.web import page_cache
    from petition.web.public import receipt_text

    with db.transaction() as session:
        campaign = find_any(session, omar.slug)
        assert campaign
        receipt = make.signature(session, campaign, named("Suzie Quux"))
        epochs.close_epoch(session, campaign, clock.now())
    with app.test_request_context():
        text = receipt_text.to_text(receipt, receipt.w0, page_cache.snapshot(omar.slug))

    def seen() -> str:
        page = omar.client.post(f"/c/{omar.slug}/receipt", data={"receipt": text}).text
        found = re.search(r'id="standing" role="status" data-state="([a-z-]+)">([^<]+)<', page)
        assert found
        return f"{found[1]}: {found[2]}"

    from petition.core.encoding import b64u

    call = f"/api/campaigns/{omar.slug}/receipt/{b64u(receipt.leaf)}"
    omar.does(f"~/signers/{index_of('Suzie Quux')}/remove", why="legal")
    assert seen().startswith("removing: It is being removed by the organisers.")
    assert omar.client.get(call).json["state"] == "logged"  # type: ignore[index]  # by leaf nothing is told before the batch
    an_epoch(omar.slug)
    assert seen() == "removed-legal: It has been removed by the organisers, for a legal reason, and no longer counts."
    assert {name: omar.client.get(call).json[name] for name in ("state", "why")} == {"state": "removed", "why": "legal"}  # type: ignore[index]


def test_up_to_fifty_are_removed_at_once_and_exactly_those_of_the_preview(omar: Omar) -> None:
    an_epoch(omar.slug, *[named("Mallory")] * 3, named("Suzie Quux"))
    page = omar.searches("~/removals/new?q=mallory&shown=name").text
    assert "Remove 3 signatures" in page
    sent = hidden(page)
    an_epoch(omar.slug, named("Mallory"))
    assert omar.does("~/removals/new", **(sent | {"why": "fraud", "token": omar.token()})).status_code == 303
    (removal,) = bulk_removals()
    assert (removal.found, removal.done, removal.state) == (3, 3, BulkRemovalState.DONE)
    assert "2 signers" in omar.sees("~/signers").text
    assert told(omar) == [(Action.SIGNATURES_REMOVED, {"n": 3, "why": "fraud"})]
    assert "mallory" not in str(removal.criteria).lower()


def test_a_preview_that_is_no_longer_true_removes_nothing_and_shows_the_new_figure(omar: Omar) -> None:
    receipts = an_epoch(omar.slug, *[named("Mallory")] * 3)
    sent = hidden(omar.searches("~/removals/new?q=mallory").text)
    with db.transaction() as session:
        campaign = find_any(session, omar.slug)
        assert campaign
        signatures.withdraw(session, OpenCampaign.of(campaign), receipts[0].withdraw)
    answer = omar.does("~/removals/new", **(sent | {"why": "fraud", "token": omar.token()}))
    assert answer.status_code == 409
    assert "Nothing was removed now" in answer.text
    assert "Remove 2 signatures" in answer.text
    assert bulk_removals() == []


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("~/removals/new?first=x", "Enter a whole number."),
        ("~/removals/new?since=yesterday", "Enter a date as year-month-day"),
        ("~/removals/new?comment=loud", "Choose one from the list."),
        ("~/signers?epoch=-1", "Enter a whole number."),
    ],
)
def test_criteria_that_cannot_be_read_are_explained_and_kept(omar: Omar, path: str, sentence: str) -> None:
    answer = omar.sees(path)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'value="{path.partition("=")[2]}"' in answer.text or "comment" in path


def test_a_removal_without_a_reason_keeps_the_criteria(omar: Omar) -> None:
    an_epoch(omar.slug, named("Mallory"))
    answer = omar.does(
        "~/removals/new", **(hidden(omar.searches("~/removals/new?q=mallory").text) | {"token": omar.token()})
    )
    assert answer.status_code == 422
    assert "Choose a reason." in answer.text
    assert 'name="q" value="mallory"' in answer.text
    assert omar.does("~/removals/new", why="fraud").status_code == 409
    assert omar.does("~/removals/new", why="fraud", seen="W10.x").status_code == 409


def test_more_than_fifty_wait_for_a_second_organiser_run_with_progress_and_are_cancelled(
    app: Flask, omar: Omar
) -> None:
    an_epoch(omar.slug, *[named("Mallory")] * 52)
    assert removed(omar, q="mallory") == 303
    assert bulk_removals() == []
    page = omar.sees("~/removals")
    assert "Waiting for a second organiser" in page.text
    assert "52 signatures, as fraud" in page.text
    assert "Refresh" not in page.headers
    rita = signed_in(app, omar.slug, Role.MODERATOR, "Rita")
    with db.transaction() as session:
        campaign = find_any(session, omar.slug)
        assert campaign
        (request,) = session.scalars(approvals.waiting(campaign.id, clock.now())).all()
        with pytest.raises(approvals.SameOrganiser):
            approvals.approve(session, campaign.id, request.id, Actor(omar.organiser_id, clock.now()))
        given = approvals.approve(session, campaign.id, request.id, Actor(rita.organiser_id, clock.now()))
        ACTS[given.act](session, campaign, given, clock.now())
    with db.transaction() as session:
        bulk_removal.advance(session, bulk_removal.find(session, campaign.id, bulk_removals()[0].id), 20)
    page = omar.sees("~/removals")
    assert page.headers["Refresh"] == "2"
    assert "Being removed: 20 of 52" in page.text
    assert "Cancel the removal of 52 signatures" in page.text
    assert omar.does(f"~/removals/{bulk_removals()[0].id.hex()}/undo").status_code == 303
    page = omar.sees("~/removals")
    assert "Cancelled: everything is as it was" in page.text
    assert "Refresh" not in page.headers
    assert "52 signers" in omar.sees("~/signers").text


def test_hints_lead_to_criteria_that_are_filled_in(omar: Omar) -> None:
    assert "Hints" not in omar.sees("~/signers").text
    for _ in range(3):
        an_epoch(omar.slug, named("Suzie Quux"))
    an_epoch(omar.slug, *[named(f"Test {n}") for n in range(20)])
    page = omar.sees("~/signers").text
    assert "Hints" in page
    found = re.search(r'href="([^"]*/removals/new\?[^"]*first=4[^"]*)"', page)
    assert found
    assert "Remove 20 signatures" in omar.sees(found[1].replace("&amp;", "&")).text
    searches = [hidden(form) for form in re.findall(r'<form method="post" action="[^"]*/preview".*?</form>', page)]
    assert [{name: form[name] for name in form.keys() - {"token"}} for form in searches] == [
        {"q": "Suzie Quux", "repeated": "yes"},
        {"q": "test", "shown": "name"},
    ]
    for form, figure in zip(searches, (3, 20), strict=True):
        assert f"Remove {figure} signatures" in omar.does("~/removals/new/preview", **form).text


def test_no_address_of_the_dashboard_holds_a_name_that_was_searched_for(omar: Omar) -> None:
    """Addresses are kept by browsers, proxies and logs: a search is a form, and the address does not search."""
    an_epoch(omar.slug, *[named(f"Suzie Quux {number}") for number in range(102)], named("Mallory"))
    found = omar.searches("~/signers?q=quux")
    assert "102 signers" in found.text
    preview = omar.searches("~/removals/new?q=quux")
    assert "Ask to remove 102 signatures" in preview.text
    for page in (found, preview, omar.sees("~/signers")):
        addresses = re.findall(r'(?:href|action|src|formaction)="([^"]*)"', page.text)
        assert not [each for each in addresses if "quux" in each.lower() or "q=" in each]
        assert 'method="get"' not in page.text
    (following,) = re.findall(r'<form method="post" action="[^"]*/signers"[^>]*>(?:(?!</form>).)*Next page', found.text)
    second = omar.does("~/signers", **hidden(following))
    assert second.text.count("Suzie Quux") == 2
    assert "103 signers" in omar.sees("~/signers?q=quux").text
    assert "Preview</h2>" not in omar.sees("~/removals/new?q=quux").text


def test_after_the_close_names_can_be_hidden_and_nothing_be_removed(omar: Omar) -> None:
    an_epoch(omar.slug, named("Suzie Quux"))
    sent = hidden(omar.searches("~/removals/new?q=suzie").text)
    with db.transaction() as session:
        campaign = find_any(session, omar.slug)
        assert campaign
        epochs.change(session, campaign, CampaignState.CLOSED, clock.now())
    index = index_of("Suzie Quux")
    page = omar.sees(f"~/signers/{index}").text
    assert "Remove 1 signature" not in page
    assert "Hide the name" in page
    assert "after the close the ledger is complete" in omar.searches("~/removals/new?q=suzie").text
    assert omar.does("~/removals/new", **(sent | {"why": "fraud", "token": omar.token()})).status_code == 409
    assert omar.does(f"~/signers/{index}/remove", why="fraud").status_code == 409
    assert omar.does(f"~/signers/{index}/hide", what="name").status_code == 303


def test_an_organiser_who_came_in_long_ago_proves_it_first_and_keeps_the_criteria(omar: Omar) -> None:
    an_epoch(omar.slug, named("Mallory"))
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=False):
        by_batch = omar.sees("~/removals/new?first=1")
        by_name = omar.searches("~/removals/new?q=mallory&shown=name")
    assert by_batch.status_code == 303
    assert by_batch.headers["Location"].startswith("/organise/confirm?next=")
    assert "first%3D1" in by_batch.headers["Location"]
    assert by_name.status_code == 401
    assert "What you typed is kept on this page" in by_name.text
    assert "mallory" not in str(by_name.headers)


def queries(act) -> int:  # type: ignore[no-untyped-def]
    with counted_queries() as counted:
        assert act().status_code == 200
    return len(counted)


def test_lists_of_one_and_of_three_take_the_same_number_of_queries(omar: Omar) -> None:
    an_epoch(omar.slug, named("Suzie Quux"), named("Mallory A"))
    removed(omar, q="mallory")
    paths = ("~/signers", "~/signers?q=s", "~/removals", "~/removals/new?q=s")
    omar.sees("~/signers")
    shows = [omar.searches if "q=" in path else omar.sees for path in paths]
    one = [queries(lambda path=path, show=show: show(path)) for path, show in zip(paths, shows, strict=True)]
    an_epoch(omar.slug, named("Suzie Quux"), named("Alice Example"), *[named("Mallory A")] * 2)
    for _ in range(2):
        removed(omar, q="mallory", last="9", first="1")
        an_epoch(omar.slug, named("Mallory A"))
    assert len(bulk_removals()) == 3
    again = [queries(lambda path=path, show=show: show(path)) for path, show in zip(paths, shows, strict=True)]
    assert again == one


def test_below_the_least_number_organisers_see_no_name_either(app: Flask) -> None:
    with db.transaction() as session:
        slug = make.campaign(session, public_min=3).slug
    omar = signed_in(app, slug)
    an_epoch(slug, named("Suzie Example", "I stay."), named("Suzie Example"))
    index = index_of_first(slug)
    assert "Suzie" not in omar.sees("~/signers").text
    assert "Suzie" not in omar.sees("~/removals/new?first=1").text
    assert 'name="seen"' not in omar.searches("~/removals/new?q=suzie").text
    assert 'name="seen"' not in omar.sees("~/removals/new?role=Engineer").text
    assert omar.sees(f"~/signers/{index}").status_code == 404
    for deed in ({"what": "name"}, {"what": "comment"}):
        assert omar.does(f"~/signers/{index}/hide", **deed).status_code == 404
    assert omar.does(f"~/signers/{index}/remove", why="fraud").status_code == 404
    an_epoch(slug, named("Alice Example"))
    assert omar.sees("~/signers").text.count("Suzie Example") >= 2
    assert omar.sees(f"~/signers/{index}").status_code == 200


def index_of_first(slug: str) -> int:
    with db.session() as session:
        campaign = find_any(session, slug)
        assert campaign
        return session.scalars(select(func.min(Signature.index)).where(Signature.campaign_id == campaign.id)).one()
