"""Nothing personal gets into what readers see by mistake: each find is taken out, or kept for a reason, by a person."""

import threading
from typing import Any

import pytest
from sqlalchemy import select

from accounts.models import AuditEntry
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from forum import answers, moderation, personal_data
from kb import articles, confirming, faces, promotion, queries, redaction
from kb.models import Article, KeptFinding, Nomination
from kb.redaction import Decisions, Unconfirmed
from tests.cast import World
from tests.kb.shelf import Shelf, accepted, fields_of

PRIVATE = "Restart it. Or call me at 0170 1234567.\n\nRegards\nBob"
HIDDEN = "Call 01\u200b70 **123**4567, ｂｏｂ＠ｅｘａｍｐｌｅ．ｏｒｇ, [me](mailto:a&#64;example.net), "
HIDDEN += "DE89 3704 0044\n0532 0130 00."


def drafted(world: World, shelf: Shelf, answer: str = PRIVATE) -> Article:
    topic = world.ask(source="It blinks. I am Alice, my address is alice@example.org.")
    answers.accept(world.answer(topic, answer), by=world.alice)
    return promotion.draft_from(shelf.nominated(topic), by=world.emil)


def found_in(article: Article) -> list[redaction.Found]:
    return redaction.unconfirmed(article, redaction.texts_of(article, queries.newest_revision(article)))


def test_a_draft_names_everything_that_looks_personal_and_everybody_of_the_thread(world: World, shelf: Shelf) -> None:
    article = drafted(world, shelf)
    assert {(one.kind, one.text) for one in found_in(article)} == {
        ("phone", "0170 1234567"),
        ("email", "alice@example.org"),
        ("name", "Alice"),
        ("name", "Bob"),
    }


def test_what_hides_from_a_pattern_is_found_all_the_same(world: World, shelf: Shelf) -> None:
    article = drafted(world, shelf, HIDDEN)
    kinds = [one.kind for one in found_in(article) if one.kind != "name"]
    assert sorted(kinds) == ["email", "email", "email", "iban", "phone"]
    digests = frozenset(one.digest for one in found_in(article))
    assert confirming.confirm(article, Decisions(digests, {}), by=world.emil, seen=1) == []
    words = queries.newest_revision(article)
    for private in ("1234567", "example", "ｅｘａｍｐｌｅ", "3704", "a&#64;"):
        assert private not in words.resolution + words.symptoms


def test_publishing_waits_until_each_is_decided(world: World, shelf: Shelf) -> None:
    article = drafted(world, shelf)
    with pytest.raises(Unconfirmed):
        articles.publish(article, by=world.emil)
    assert not article.is_published
    by_text = {one.text: one.digest for one in found_in(article)}
    left = confirming.confirm(
        article,
        Decisions(frozenset({by_text["0170 1234567"], by_text["alice@example.org"]}), {by_text["Bob"]: "He wants it."}),
        by=world.emil,
        seen=1,
    )
    assert [one.text for one in left] == ["Alice"]
    with pytest.raises(Unconfirmed):
        articles.publish(article, by=world.emil)
    confirming.confirm(article, Decisions(frozenset({by_text["Alice"]}), {}), by=world.emil, seen=2)
    articles.publish(article, by=world.emil)
    assert article.published.resolution == "Restart it. Or call me at [phone number].\n\nRegards\nBob"
    assert "[name]" in article.published.symptoms


def test_the_thread_keeps_its_words(world: World, shelf: Shelf) -> None:
    article = drafted(world, shelf)
    digests = frozenset(one.digest for one in found_in(article))
    confirming.confirm(article, Decisions(digests, {}), by=world.emil, seen=1)
    assert article.sources[0].post.source == PRIVATE


def test_what_stays_needs_a_reason_which_is_kept_and_audited(world: World, shelf: Shelf) -> None:
    article = drafted(world, shelf)
    digest = next(one.digest for one in found_in(article) if one.kind == "phone")
    with pytest.raises(Invalid) as refusal:
        confirming.confirm(article, Decisions(frozenset(), {digest: " "}), by=world.emil, seen=1)
    assert f"why-{digest}" in refusal.value.fields
    confirming.confirm(article, Decisions(frozenset(), {digest: "It is our hotline."}), by=world.emil, seen=1)
    row = db.session.scalars(select(KeptFinding)).one()
    assert (row.kind, row.reason, row.by_id) == ("phone", "It is our hotline.", world.emil.id)
    assert "0170" not in str(vars(row))
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.deed == "kb.finding.keep")).unique().one()
    assert entry.reason == "It is our hotline."


def test_what_was_kept_stays_kept_in_every_later_version_and_spelling(world: World, shelf: Shelf) -> None:
    article = shelf.article(resolution="Call 0711 5566770.")
    digest = found_in(article)[0].digest
    confirming.confirm(article, Decisions(frozenset(), {digest: "Our hotline."}), by=world.emil, seen=1)
    articles.publish(article, by=world.emil)
    articles.revise(article, by=world.emil, title="Whom to call", resolution="Call +49 711 556 67 70 at once.")
    articles.publish(article, by=world.emil)
    redaction.reconsider(article, redaction.kept(article)[0].id, by=world.emil)
    articles.revise(article, by=world.emil, title="Whom to call", resolution="Call 0711 5566770 at night.")
    with pytest.raises(Unconfirmed):
        articles.publish(article, by=world.emil)


def test_a_later_edit_is_looked_at_as_well_and_readers_go_on_seeing_what_was_published(
    world: World, shelf: Shelf
) -> None:
    article = shelf.published()
    articles.revise(article, by=world.emil, title="No wireless", resolution="Write to eve@example.org.")
    with pytest.raises(Unconfirmed):
        articles.publish(article, by=world.emil)
    assert article.published.number == 1


def test_a_short_text_for_channels_says_nothing_personal(world: World, shelf: Shelf) -> None:
    article = shelf.published()
    with pytest.raises(Invalid) as refusal:
        faces.write(article, kind="280", text="Write to eve@example.org.", by=world.emil)
    assert "face_280" in refusal.value.fields
    personal_data.add("@example.org", deed="allow", by=world.root)
    assert faces.write(article, kind="280", text="Write to eve@example.org.", by=world.emil) is not None


def test_a_keyword_that_is_somebody_goes(world: World, shelf: Shelf) -> None:
    article = shelf.article(keywords=["wifi", "max@example.org"])
    digests = frozenset(one.digest for one in found_in(article))
    confirming.confirm(article, Decisions(digests, {}), by=world.emil, seen=1)
    assert queries.newest_revision(article).keywords == ["wifi"]


def test_of_two_editors_the_second_looks_again(world: World, shelf: Shelf) -> None:
    article = drafted(world, shelf)
    digests = frozenset(one.digest for one in found_in(article))
    confirming.confirm(article, Decisions(digests, {}), by=world.emil, seen=1)
    with pytest.raises(Conflict):
        confirming.confirm(article, Decisions(digests, {}), by=world.root, seen=1)


@pytest.mark.parametrize("handle", ["alice", "tina", "dora", "ada"])
def test_only_editors_decide_what_stays(world: World, shelf: Shelf, handle: str) -> None:
    world.everybody()
    article = drafted(world, shelf)
    with pytest.raises(NotAllowed):
        confirming.confirm(article, Decisions(frozenset(), {}), by=world.person(handle), seen=1)


def test_a_page_asks_for_each_and_publishes_when_all_is_decided(stage: Any, browser_of: Any, app: Any) -> None:
    article_id = stage(lambda world: drafted(world, Shelf(world)).id)
    emil = browser_of("emil")
    refused = emil.post(f"/kb/articles/{article_id}/publication")
    assert (refused.status_code, refused.location) == (303, f"/kb/articles/{article_id}/personal")
    address = f"/kb/articles/{article_id}/personal"
    page = emil.get(address).text
    assert "0170 1234567" in page
    with app.app_context():
        article = db.session.get_one(Article, article_id)
        digests = [one.digest for one in found_in(article)]
    half = {"seen": "1", "do": "publish", f"find-{digests[0]}": "keep", f"why-{digests[0]}": ""}
    again = emil.post(address, data=half)
    assert (again.status_code, "Please say why it stays." in again.text) == (422, True)
    first = emil.post(address, data={"seen": "1", "do": "publish", f"find-{digests[0]}": "remove"})
    assert first.location == address
    all_of_them = {f"find-{digest}": "remove" for digest in digests[1:]}
    last = emil.post(address, data={"seen": "2", "do": "publish", **all_of_them})
    assert last.status_code == 303
    with app.app_context():
        assert db.session.get_one(Article, article_id).is_published


def test_the_api_publishes_nothing_that_nobody_confirmed(stage: Any, app: Any, browser_of: Any, token_of: Any) -> None:
    article_id = stage(lambda world: drafted(world, Shelf(world)).id)
    answer = app.test_client().post(
        f"/api/v1/articles/{article_id}/publication",
        headers={"Authorization": f"Bearer {token_of('emil')}"},
        without_csrf=True,
    )
    assert answer.status_code == 409
    assert "personal" in answer.get_json()["detail"]


def test_the_draft_beside_the_thread_takes_the_decisions_along(stage: Any, browser_of: Any, app: Any) -> None:
    def scene(world: World) -> int:
        topic = world.ask()
        answers.accept(world.answer(topic, "Restart it, or call 0170 1234567."), by=world.alice)
        return Shelf(world).nominated(topic).id

    nomination_id = stage(lambda world: (world.everybody(), scene(world))[1])
    emil = browser_of("emil")
    page = emil.get(f"/kb/nominations/{nomination_id}").text
    action = f"/kb/nominations/{nomination_id}/article"
    fields = fields_of(page, action)
    digest = next(name for name in fields if name.startswith("find-"))
    undecided = {name: said for name, said in fields.items() if not name.startswith("find-")}
    refused = emil.post(action, data=undecided | {"do": "publish"})
    assert refused.status_code == 409
    with app.app_context():
        assert db.session.get_one(Nomination, nomination_id).state == "pending"
        assert db.session.scalars(select(Article)).unique().all() == []
    done = emil.post(action, data=undecided | {"do": "publish", digest: "remove"})
    assert done.status_code == 303
    with app.app_context():
        article = db.session.scalars(select(Article)).unique().one()
        assert article.is_published
        assert article.published.resolution == "Restart it, or call [phone number]."


def test_two_presses_at_once_make_one_article(stage: Any, browser_of: Any, app: Any) -> None:
    nomination_id = stage(lambda world: (world.everybody(), Shelf(world).nominated().id)[1])
    browsers = [browser_of("emil"), browser_of("root")]
    action = f"/kb/nominations/{nomination_id}/article"
    forms = [fields_of(browser.get(f"/kb/nominations/{nomination_id}").text, action) for browser in browsers]
    answers_: list[int] = []

    def press(at: int) -> None:
        answers_.append(browsers[at].post(action, data=forms[at] | {"do": "draft"}).status_code)

    presses = [threading.Thread(target=press, args=(at,)) for at in (0, 1)]
    for one in presses:
        one.start()
    for one in presses:
        one.join()
    assert sorted(answers_) == [303, 409]
    with app.app_context():
        assert len(db.session.scalars(select(Article)).unique().all()) == 1


def test_a_nomination_of_what_was_muted_meanwhile_makes_nothing(world: World, shelf: Shelf) -> None:
    nomination = shelf.nominated()
    moderation.mute(accepted(nomination.post.topic), by=world.ada, reason="personal data")
    with pytest.raises(Invalid):
        promotion.draft_from(nomination, by=world.emil)


def test_what_stands_instead_speaks_the_language_of_the_article(world: World, shelf: Shelf) -> None:
    article = shelf.article(locale="de", resolution="Rufen Sie 0170 1234567 an.")
    found = found_in(article)
    confirming.confirm(article, Decisions(frozenset(one.digest for one in found), {}), by=world.emil, seen=1)
    assert queries.newest_revision(article).resolution == "Rufen Sie [Telefonnummer] an."
