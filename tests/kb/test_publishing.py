"""Writing, revising, publishing and taking back."""

from typing import Any

import pytest
from sqlalchemy import select

from accounts.models import AuditEntry
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.outbox import Delivery
from forum import moderation, notifications
from forum import queries as forum_queries
from forum.models import Notification
from kb import addresses, articles, differences, promotion, queries, uses
from kb.models import Article, Revision
from tests.cast import World
from tests.kb.shelf import Shelf


def see_also(topic: Any) -> list[tuple[str, str]]:
    return [(link.title, link.url) for link in forum_queries.see_also(topic)]


def deeds(article: Article) -> list[tuple[str, str]]:
    rows = db.session.scalars(select(AuditEntry).where(AuditEntry.subject_id == article.id).order_by(AuditEntry.id))
    return [(entry.deed, entry.reason) for entry in rows.unique() if entry.subject_kind == "article"]


def test_a_new_article_is_a_draft_with_version_one(world: World, shelf: Shelf) -> None:
    article = shelf.article()
    revision = queries.newest_revision(article)
    assert (article.is_published, article.confidence, article.owner) == (False, "in_progress", world.emil)
    assert (revision.number, revision.slug, revision.by) == (1, "wireless-is-gone-after-an-update", world.emil)
    assert revision.symptoms_html == "<p>The light is <em>off</em>.</p>"
    assert revision.plain.startswith("Restart the router, then choose channel 6.\nThe light is off.\nPull the plug.")


def test_everything_wrong_is_said_at_once_and_at_its_field(world: World, shelf: Shelf) -> None:
    with pytest.raises(Invalid) as refusal:
        shelf.article(title="x", summary="s" * 1001, resolution="", environment="e" * 201, keywords=["k" * 61])
    assert set(refusal.value.fields) == {"title", "summary", "resolution", "environment", "keywords"}
    for field, about in (("tags", {"tags": ["<b>"]}), ("locale", {"locale": "fr"}), ("audience", {"audience": "all"})):
        with pytest.raises(Invalid) as refusal:
            shelf.article(**about)
        assert list(refusal.value.fields) == [field]


@pytest.mark.parametrize("handle", ["alice", "tina", "dora", "ada"])
def test_only_editors_write_and_publish(world: World, shelf: Shelf, handle: str) -> None:
    world.everybody()
    article, somebody = shelf.published(), world.person(handle)
    words = articles.words_of(article.published)
    if handle != "dora":
        with pytest.raises(NotAllowed):
            shelf.article(by=somebody)
    for deed in (
        lambda: articles.revise(article, by=somebody, **words),
        lambda: articles.restore(article, 1, by=somebody),
        lambda: articles.publish(article, by=somebody),
        lambda: articles.withdraw(article, by=somebody, reason="I say so."),
        lambda: articles.classify(
            article, section=article.section, locale="en", audience="public", tags=[], by=somebody
        ),
    ):
        with pytest.raises(NotAllowed):
            deed()


def test_publishing_shows_the_newest_version_links_the_thread_and_is_audited(world: World, shelf: Shelf) -> None:
    nomination = shelf.nominated()
    topic = nomination.post.topic
    article = promotion.draft_from(nomination, by=world.emil)
    articles.publish(article, by=world.emil)
    assert article.is_published
    assert article.confidence == "validated"
    assert see_also(topic) == [(topic.title, f"/kb/{article.id}-{topic.slug}")]
    assert deeds(article) == [("kb.article.publish", "")]


def test_publishing_again_without_a_newer_version_changes_nothing(world: World, shelf: Shelf) -> None:
    article = shelf.published()
    db.session.query(Delivery).delete()
    articles.publish(article, by=world.emil)
    assert deeds(article) == [("kb.article.publish", "")]
    assert db.session.query(Delivery).count() == 0


def test_a_live_article_is_revised_without_unpublishing_it(world: World, shelf: Shelf) -> None:
    article = shelf.published()
    words = {**articles.words_of(article.published), "resolution": "Buy a new one."}
    revision = articles.revise(article, by=world.emil, comment="It was wrong", **words)
    assert (revision.number, revision.comment) == (2, "It was wrong")
    assert article.published.number == 1
    articles.publish(article, by=world.emil)
    assert article.published is revision


def test_saving_the_same_words_makes_no_new_version(world: World, shelf: Shelf) -> None:
    article = shelf.published()
    assert articles.revise(article, by=world.emil, **articles.words_of(article.published)) is article.published


def test_the_second_of_two_editors_learns_of_the_first(world: World, shelf: Shelf) -> None:
    article = shelf.article()
    words = articles.words_of(queries.newest_revision(article))
    articles.revise(article, by=world.emil, based_on=1, **{**words, "summary": "Emil's."})
    with pytest.raises(Conflict):
        articles.revise(article, by=world.root, based_on=1, **{**words, "summary": "Root's."})
    assert articles.revise(article, by=world.root, based_on=2, **{**words, "summary": "Root's."}).number == 3


def test_an_earlier_version_comes_back_as_a_new_one(world: World, shelf: Shelf) -> None:
    article = shelf.article()
    words = articles.words_of(queries.newest_revision(article))
    articles.revise(article, by=world.emil, **{**words, "title": "Something else entirely"})
    restored = articles.restore(article, 1, by=world.emil)
    assert (restored.number, articles.words_of(restored)) == (3, words)
    assert db.session.query(Revision).filter_by(article_id=article.id).count() == 3


def test_the_history_says_what_changed(world: World, shelf: Shelf) -> None:
    article = shelf.article()
    words = articles.words_of(queries.newest_revision(article))
    before = queries.newest_revision(article)
    after = articles.revise(
        article, by=world.emil, **{**words, "summary": "Restart it, then choose channel 6.", "keywords": ["wifi"]}
    )
    changed = dict(differences.between(before, after))
    assert set(changed) == {"summary", "keywords"}
    assert ("removed", "wlan") in [(piece.kind, piece.text.strip()) for piece in changed["keywords"]]
    assert {piece.kind for piece in changed["summary"]} == {"same", "added", "removed"}


def test_a_new_title_moves_the_article_and_the_link_in_the_thread(world: World, shelf: Shelf) -> None:
    topic = world.solved()
    article = shelf.published(sources=[topic.acceptance.post])
    words = {**articles.words_of(article.published), "title": "Wireless comes back on channel 6"}
    articles.revise(article, by=world.emil, **words)
    articles.publish(article, by=world.emil)
    assert see_also(topic) == [
        ("Wireless comes back on channel 6", f"/kb/{article.id}-wireless-comes-back-on-channel-6")
    ]


def test_a_withdrawn_article_is_a_draft_and_its_thread_no_longer_links_to_it(world: World, shelf: Shelf) -> None:
    topic = world.solved()
    article = shelf.published(sources=[topic.acceptance.post])
    with pytest.raises(Invalid):
        articles.withdraw(article, by=world.emil, reason="")
    articles.withdraw(article, by=world.emil, reason="It was wrong.")
    assert not article.is_published
    assert see_also(topic) == []
    assert deeds(article)[-1] == ("kb.article.withdraw", "It was wrong.")
    articles.publish(article, by=world.emil)
    assert article.is_published
    assert len(see_also(topic)) == 1


@pytest.mark.parametrize("audience", ["signed_in", "team"])
def test_a_thread_that_everybody_reads_does_not_link_to_what_not_everybody_reads(
    world: World, shelf: Shelf, audience: str
) -> None:
    topic = world.solved()
    article = shelf.published(sources=[topic.acceptance.post], audience=audience)
    assert see_also(topic) == []
    about = {"section": article.section, "locale": "en", "tags": ["wifi"], "by": world.emil}
    articles.classify(article, audience="public", **about)
    assert len(see_also(topic)) == 1
    articles.classify(article, audience=audience, **about)
    assert see_also(topic) == []
    assert [deed for deed, _reason in deeds(article)] == ["kb.article.publish"] + ["kb.article.classify"] * 2


def test_the_author_and_the_asker_are_told_once_and_the_editor_never(stage: Any, worker: Any, app: Any) -> None:
    def scene(world: World) -> Any:
        world.everybody()
        return Shelf(world).published(sources=[world.solved().acceptance.post]).id

    article_id = stage(scene)
    worker()
    stage(lambda world: _revised(article_id, world))
    worker()
    with app.app_context():
        told = {
            row.user_id: (notifications.sentence(row), row.url)
            for row in db.session.scalars(select(Notification).where(Notification.kind == "article_published"))
        }
        world = World()
        path = addresses.of_article(db.session.get_one(Article, article_id))
        title = "A better title for it"
        assert told[world.bob.id][0] == f"Your answer became the article “{title}”. You are named as its author."
        assert told[world.alice.id][0] == f"Your question became the article “{title}”."
        assert set(told) == {world.alice.id, world.bob.id}
        assert path.startswith(f"/kb/{article_id}-")


def test_an_editor_who_answered_is_not_told_of_their_own_deed(stage: Any, worker: Any, app: Any) -> None:
    def scene(world: World) -> None:
        topic = world.ask(by=world.emil)
        Shelf(world).published(sources=[world.answer(topic, by=world.emil)])

    stage(scene)
    worker()
    with app.app_context():
        assert db.session.query(Notification).filter_by(kind="article_published").count() == 0


def test_who_asked_and_answered_is_told_of_the_answer(stage: Any, worker: Any, app: Any) -> None:
    def scene(world: World) -> None:
        topic = world.ask()
        Shelf(world).published(sources=[world.answer(topic, by=world.alice)])

    stage(scene)
    worker()
    with app.app_context():
        rows = db.session.query(Notification).filter_by(kind="article_published").all()
        assert [row.data["part"] for row in rows] == ["answer"]


def test_the_notice_of_an_article_that_was_withdrawn_does_not_name_it(stage: Any, worker: Any, app: Any) -> None:
    def scene(world: World) -> Any:
        article = Shelf(world).published(title="A secret title", sources=[world.solved().acceptance.post])
        return article.id

    article_id = stage(scene)
    worker()
    stage(lambda world: articles.withdraw(_article(article_id), by=world.emil, reason="Too early."))
    with app.app_context():
        for row in db.session.query(Notification).filter_by(kind="article_published"):
            assert "secret" not in notifications.sentence(row)


def test_a_muted_thread_is_not_named_to_others_and_the_credit_stays(world: World, shelf: Shelf) -> None:
    topic = world.solved()
    article = shelf.published(sources=[topic.acceptance.post])
    moderation.mute(topic, by=world.ada, reason="personal data")
    assert queries.visible_sources(article, viewer=world.charlie) == []
    assert [post.id for post in queries.visible_sources(article, viewer=world.alice)] == [topic.acceptance.post_id]
    assert article.sources[0].post.author is world.bob


def test_what_was_muted_is_not_published_and_what_was_published_can_still_be_mended(world: World, shelf: Shelf) -> None:
    topic = world.solved()
    live = shelf.published(sources=[topic.acceptance.post])
    draft = shelf.article(sources=[topic.acceptance.post])
    moderation.mute(topic, by=world.ada, reason="personal data")
    with pytest.raises(Conflict):
        articles.publish(draft, by=world.emil)
    articles.revise(live, by=world.emil, **{**articles.words_of(live.published), "summary": "Without the name."})
    articles.publish(live, by=world.emil)
    assert live.published.summary == "Without the name."
    moderation.unmute(topic, by=world.ada)
    articles.publish(draft, by=world.emil)
    assert draft.is_published


def test_a_use_is_kept_once_with_the_revision_of_that_moment(world: World, shelf: Shelf) -> None:
    article = shelf.published()
    first = uses.record(article, face="280", where_kind="message", where_id=5, by=world.dora, asked="No wireless?")
    words = {**articles.words_of(article.published), "summary": "Other words."}
    articles.revise(article, by=world.emil, **words)
    articles.publish(article, by=world.emil)
    again = uses.record(article, face="500", where_kind="message", where_id=5, by=world.dora)
    assert again is first
    assert (first.revision.number, first.face, first.asked, first.by_id) == (1, "280", "No wireless?", world.dora.id)
    assert uses.record(article, face=None, where_kind="message", where_id=6, by=None).revision.number == 2
    assert queries.uses_of([article.id]) == {article.id: 2}


def _article(article_id: int) -> Article:
    return db.session.get_one(Article, article_id)


def _revised(article_id: int, world: World) -> None:
    article = _article(article_id)
    words = {**articles.words_of(article.published), "title": "A better title for it"}
    articles.revise(article, by=world.emil, **words)
    articles.publish(article, by=world.emil)
