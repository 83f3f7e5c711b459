"""Putting articles and replies of the team into an answer: found by keyword, in the language of who asked, counted."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import AuditEntry
from core.db import db
from core.errors import Invalid, NotAllowed
from forum import answers, canned, inserting, moderation, posts
from forum.models import CannedReply, CannedReplyUse, Post, Topic
from kb import addresses, listeners
from kb.models import ArticleUse
from search import indexer
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]


def restart(world: World, **kwargs: Any) -> CannedReply:
    about = {
        "title": "Restart",
        "keywords": "reboot power",
        "said": {"de": "Hallo {name}, bitte starten Sie neu. {me}", "en": "Hello {name}, please restart it. {me}"},
        "by": world.dora,
        **kwargs,
    }
    return canned.keep(**about)


def titles(found: list[inserting.Insert]) -> list[str]:
    return [insert.title for insert in found]


def test_a_reply_is_found_by_keyword_and_worded_in_the_language_of_the_question(world: World) -> None:
    restart(world)
    canned.keep(title="Invoice", keywords="", said={"en": "You find it in your account."}, by=world.dora)
    german, english = world.ask(locale="de"), world.ask("Where is the light of the router", by=world.bob)
    for words in ("reboot", "REB", "restart", "neu"):
        assert titles(inserting.find(words, german, viewer=world.dora)) == ["Restart"]
    assert inserting.find("restart", german, viewer=world.dora)[0].text == "Hallo Alice, bitte starten Sie neu. Dora"
    assert inserting.find("restart", english, viewer=world.ada)[0].text == "Hello Bob, please restart it. Ada"
    assert inserting.find("restart invoice", english, viewer=world.ada) == []
    assert titles(inserting.find("", english, viewer=world.ada)) == ["Invoice", "Restart"]
    assert titles(inserting.find("", german, viewer=world.ada)) == ["Restart", "Invoice"], "the other language is last"


def test_who_has_left_has_no_name_in_a_reply_and_a_name_is_no_markdown(world: World) -> None:
    restart(world)
    topic = world.ask()
    world.alice.name = "A*l*ice [x]"
    assert r"Hello A\*l\*ice \[x\], please" in inserting.find("", topic, viewer=world.dora)[0].text
    topic.asker_id = None
    db.session.flush()
    db.session.expire(topic, ["asker"])
    assert inserting.find("", topic, viewer=world.dora)[0].text.startswith("Hello, please")


def test_an_article_is_found_by_keyword_with_its_short_form_and_a_link(world: World) -> None:
    article = Shelf(world).published(title="Choosing a wireless channel", summary="Channel 6 is often free.")
    Shelf(world).published(title="For the team only: wireless channel", audience="team")
    topic = world.ask()
    db.session.flush()
    indexer.catch_up()
    for viewer in (world.dora, world.tina):
        (found,) = inserting.find("wireless channel", topic, viewer=viewer)
        assert (found.kind, found.id, found.locale) == ("article", article.id, "en")
        link = f"[Choosing a wireless channel](http://localhost{addresses.of_article(article)})"
        assert found.text.endswith(f"\n\n{link}")
        assert "Channel 6 is often free." in found.text
        assert inserting.take(f"article:{article.id}", topic, viewer=viewer) == found


def test_only_the_team_has_replies_and_only_the_trusted_insert(world: World) -> None:
    reply = restart(world)
    topic = world.ask()
    assert inserting.find("restart", topic, viewer=world.tina) == []
    with pytest.raises(Invalid):
        inserting.take(f"reply:{reply.id}", topic, viewer=world.tina)
    for viewer in (world.charlie, world.alice):
        with pytest.raises(NotAllowed):
            inserting.find("restart", topic, viewer=viewer)
    for name in ("reply:0", "reply:x", "reply", "", "article:987654321", "nothing:1", f"reply:{10**30}"):
        with pytest.raises(Invalid):
            inserting.take(name, topic, viewer=world.dora)


def test_replies_are_kept_changed_and_removed_by_the_team_and_that_is_logged(world: World) -> None:
    reply = restart(world)
    restart(world, reply=reply, title="Restart it")
    restart(world, reply=reply, title="Restart it")
    canned.remove(reply, by=world.ada)
    assert canned.every() == []
    logged = db.session.query(AuditEntry).filter(AuditEntry.deed.startswith("forum.reply")).order_by(AuditEntry.id)
    assert [entry.deed for entry in logged] == ["forum.reply.keep", "forum.reply.keep", "forum.reply.remove"]
    assert [(entry.before or {}).get("title") for entry in logged] == [None, "Restart", "Restart it"]
    for person in (world.tina, world.charlie):
        with pytest.raises(NotAllowed):
            restart(world, by=person)


def test_a_reply_needs_a_name_of_its_own_and_words(world: World) -> None:
    restart(world)
    for wrong, field in (
        ({"title": "restart"}, "title"),
        ({"title": " "}, "title"),
        ({"title": "Other", "said": {"de": " ", "en": ""}}, "text_de"),
        ({"title": "Other", "said": {"en": "x" * 4001}}, "text_en"),
        ({"title": "Other", "keywords": "x" * 201}, "keywords"),
    ):
        with pytest.raises(Invalid) as refusal:
            restart(world, **wrong)
        assert list(refusal.value.fields) == [field]


def test_a_reply_counts_as_used_while_its_words_are_in_the_answer(world: World) -> None:
    reply = restart(world)
    topic = world.ask()
    kept = answers.post(topic, source="Hello Alice, please restart it. And wait a minute.", by=world.dora)
    gone = answers.post(topic, source="Something altogether different.", by=world.ada)
    for _ in range(2):
        for answer, by in ((kept, world.dora), (gone, world.ada), (kept, world.tina)):
            canned.note_uses(answer, [f"reply:{reply.id}", "reply:99", "x"], by=by)
    assert db.session.query(CannedReplyUse).count() == 1
    assert canned.uses() == {reply.id: 1}


def used_in(post: Post) -> list[int]:
    return [use.article_id for use in db.session.query(ArticleUse).filter_by(where_kind="post", where_id=post.id)]


def test_an_article_counts_as_reused_where_an_answer_of_the_trusted_leads_to_it(world: World) -> None:
    article = Shelf(world).published(title="Choosing a wireless channel")
    inside = Shelf(world).published(title="For the team only", audience="team")
    path = addresses.of_article(article)
    topic = world.ask()
    answer = answers.post(
        topic, source=f"[Look](http://localhost{path}) and {path}, /kb/{inside.id}, /kb/987654321.", by=world.tina
    )
    others = [
        answers.post(topic, source=f"Elsewhere: https://example.com{path} and /x{path}", by=world.dora),
        answers.post(topic, source=f"I have read {path} and it is of no help.", by=world.alice),
    ]
    for _ in range(2):
        for one in (answer, *others):
            listeners.note_what_an_answer_reuses(answers.AnswerPosted(topic.id, one.id))
    assert [used_in(one) for one in (answer, *others)] == [[article.id], [], []]
    use = db.session.query(ArticleUse).one()
    assert (use.by_id, use.asked, use.asked_in_public) == (world.tina.id, topic.title, False)
    posts.edit(answer, source="Without the link after all.", by=world.tina, version=1)
    listeners.note_what_an_edited_answer_reuses(posts.PostEdited(topic.id, answer.id))
    assert used_in(answer) == []


def test_what_not_everybody_reads_counts_nothing(stage: Stage, worker: Callable[[], None]) -> None:
    def scene(world: World) -> tuple[int, int]:
        article = Shelf(world).published(title="Choosing a wireless channel")
        topic = world.ask()
        answer = answers.post(topic, source=f"Look at {addresses.of_article(article)}, please.", by=world.tina)
        return topic.id, answer.id

    topic_id, answer_id = stage(scene)

    def counted() -> int:
        worker()
        return int(stage(lambda _: db.session.query(ArticleUse).count()))

    def do(deed: Callable[..., Any], kind: type[Any], thing_id: int, **about: Any) -> None:
        stage(lambda world: deed(db.session.get_one(kind, thing_id), by=world.ada, **about) and None)

    assert counted() == 1
    for kind, thing_id in ((Post, answer_id), (Topic, topic_id)):
        do(moderation.mute, kind, thing_id, reason="off topic")
        assert counted() == 0
        do(moderation.unmute, kind, thing_id)
        assert counted() == 1


def test_what_is_typed_stays_when_something_is_looked_for_and_inserted_without_script(
    stage: Stage, browser_of: Callable[[str], Browser], worker: Callable[[], None]
) -> None:
    def scene(world: World) -> tuple[int, int, str]:
        article = Shelf(world).published(title="Choosing a wireless channel", summary="Channel 6 is often free.")
        reply = restart(world)
        return world.ask(locale="de").id, reply.id, addresses.of_article(article)

    topic_id, reply_id, path = stage(scene)
    worker()
    browser = browser_of("dora")
    place = f"/topics/{topic_id}/answers"
    page = browser.post(place, data={"source": "My words", "insert_words": "wireless channel", "do": "find"})
    assert page.status_code == 200
    assert "My words</textarea>" in page.text
    assert path in page.text
    typed = {"source": "My words", "insert_words": "x", "insert": f"reply:{reply_id}"}
    page = browser.post(place, data=typed)
    assert "My words\n\nHallo Alice, bitte starten Sie neu. Dora</textarea>" in page.text
    assert f'<input type="hidden" name="uses" value="reply:{reply_id}">' in page.text
    page = browser.post(place, data=typed | {"insert": "reply:987654321"})
    assert (page.status_code, "My words</textarea>" in page.text) == (422, True)
    sent = browser.post(
        place, data={"source": f"Hallo Alice, bitte starten Sie neu. Mehr: {path}", "uses": f"reply:{reply_id}"}
    )
    assert sent.status_code == 303
    worker()
    assert stage(lambda _: canned.uses()) == {reply_id: 1}
    assert stage(lambda _: db.session.query(ArticleUse).filter_by(where_kind="post").count()) == 1


def test_the_list_while_typing_is_for_those_who_may_insert(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        restart(world)
        muted = world.ask("A question that is muted")
        moderation.mute(muted, by=world.ada, reason="off topic")
        return world.ask().id, muted.id

    topic_id, muted_id = stage(scene)
    assert "please restart it" in browser_of("dora").get(f"/topics/{topic_id}/inserts?title=restart").text
    assert "Nothing fits" in browser_of("tina").get(f"/topics/{topic_id}/inserts?title=restart").text
    assert browser_of("charlie").get(f"/topics/{topic_id}/inserts").status_code == 403
    assert browser_of("tina").get(f"/topics/{muted_id}/inserts").status_code == 404
    assert 'id="inserting"' not in browser_of("charlie").get(f"/t/{topic_id}", follow_redirects=True).text


def test_replies_are_kept_on_a_page_of_the_team(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    stage(lambda world: world.everybody() and None)
    browser = browser_of("dora")
    wrong = browser.post("/moderation/replies", data={"title": "", "text_de": "Bitte neu starten."})
    assert (wrong.status_code, "Bitte neu starten." in wrong.text) == (422, True)
    assert browser.post("/moderation/replies", data={"title": "Restart", "text_de": "Bitte neu."}).status_code == 303
    (reply_id,) = stage(lambda _: [reply.id for reply in canned.every()])
    assert "Restart" in browser.get("/moderation/replies").text
    assert "Bitte neu." in browser.get(f"/moderation/replies/{reply_id}").text
    changed = {"title": "Restart", "text_de": "Bitte neu starten."}
    assert browser.post(f"/moderation/replies/{reply_id}", data=changed).status_code == 303
    assert stage(lambda _: canned.find(reply_id).texts) == {"de": "Bitte neu starten."}
    assert browser_of("tina").get("/moderation/replies").status_code == 403
    assert browser.get("/moderation/replies/987654321").status_code == 404
    assert browser.post(f"/moderation/replies/{reply_id}/remove").status_code == 303
    assert stage(lambda _: canned.every()) == []


def test_a_topic_that_takes_no_answers_takes_no_inserts(world: World) -> None:
    topic: Topic = world.ask()
    topic.closed_as = "closed"
    with pytest.raises(NotAllowed):
        inserting.find("restart", topic, viewer=world.tina)
    assert inserting.find("restart", topic, viewer=world.dora) == []
