"""Ways into the knowledge base: by hand, of several posts, added to an article, in its place, against it."""

from typing import Any

import pytest
from sqlalchemy import select

from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from forum import moderation
from forum.models import Notification, Post
from kb import articles, doubts, evidence, promotion, queries
from kb.models import Article, ArticleDoubt, Nomination
from tests.cast import World
from tests.kb.shelf import Shelf, accepted, fields_of


def nominations() -> list[Nomination]:
    return list(db.session.scalars(select(Nomination)).unique())


@pytest.mark.parametrize("handle", ["tina", "ada", "emil"])
def test_trusted_members_and_the_team_nominate_any_answer(world: World, handle: str) -> None:
    world.everybody()
    answer = world.answer(world.ask())
    promotion.nominate_by_hand(answer, by=world.person(handle))
    promotion.nominate_by_hand(answer, by=world.tina)
    assert [(one.state, one.by_id) for one in nominations()] == [("pending", world.person(handle).id)]


@pytest.mark.parametrize("handle", ["alice", "bob", "charlie"])
def test_members_do_not(world: World, handle: str) -> None:
    with pytest.raises(NotAllowed):
        promotion.nominate_by_hand(world.answer(world.ask()), by=world.person(handle))


def test_what_somebody_nominated_stays_when_the_acceptance_goes(world: World, shelf: Shelf) -> None:
    topic = world.solved()
    promotion.nominate_by_hand(accepted(topic), by=world.tina)
    promotion.retract(accepted(topic))
    assert len(nominations()) == 1


def test_nothing_is_nominated_that_not_everybody_reads_and_no_question(world: World, shelf: Shelf) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    moderation.mute(answer, by=world.ada, reason="personal data")
    with pytest.raises(Invalid):
        promotion.nominate_by_hand(answer, by=world.tina)
    question = db.session.scalars(select(Post).where(Post.topic_id == topic.id, Post.kind == "question")).unique().one()
    with pytest.raises(Invalid):
        promotion.nominate_by_hand(question, by=world.tina)


def test_an_article_made_of_several_posts_credits_everybody(world: World, shelf: Shelf) -> None:
    nomination = shelf.nominated()
    other = world.answer(nomination.post.topic, "Choose channel 6, too.", by=world.charlie)
    article = promotion.draft_from(nomination, by=world.emil, sources=[other, nomination.post])
    assert [source.post.author.handle for source in article.sources] == ["bob", "charlie"]


def test_posts_of_other_threads_and_muted_ones_are_no_sources(world: World, shelf: Shelf) -> None:
    nomination = shelf.nominated()
    elsewhere = world.answer(world.ask(title="Another question, please"))
    with pytest.raises(Invalid):
        promotion.draft_from(nomination, by=world.emil, sources=[elsewhere])
    muted = world.answer(nomination.post.topic, "Call Eve, she knows.", by=world.charlie)
    moderation.mute(muted, by=world.ada, reason="personal data")
    with pytest.raises(Invalid):
        promotion.draft_from(nomination, by=world.emil, sources=[muted])


def test_an_answer_is_added_to_an_article_as_a_new_version_that_readers_see_when_it_is_published(
    world: World, shelf: Shelf
) -> None:
    article = shelf.published(resolution="Pull the plug.")
    nomination = shelf.nominated()
    words = promotion.merged(articles.words_of(article.published), promotion.propose(nomination.post), "add")
    promotion.put_into(nomination, article, by=world.emil, words=words, way="add", based_on=1)
    assert (nomination.state, nomination.way, nomination.article) == ("drafted", "add", article)
    assert article.published.resolution == "Pull the plug."
    articles.publish(article, by=world.emil)
    assert article.published.resolution == f"Pull the plug.\n\n{nomination.post.source}"
    assert [source.post_id for source in article.sources] == [nomination.post_id]
    db.session.refresh(nomination)
    assert nomination.state == "published"


def test_an_answer_takes_the_place_of_what_an_article_said(world: World, shelf: Shelf) -> None:
    article = shelf.published(resolution="Pull the plug.")
    nomination = shelf.nominated()
    words = promotion.merged(articles.words_of(article.published), promotion.propose(nomination.post), "replace")
    promotion.put_into(nomination, article, by=world.emil, words=words, way="replace", based_on=1)
    newest = queries.newest_revision(article)
    assert (newest.number, newest.resolution, newest.title) == (2, nomination.post.source, article.published.title)
    assert nomination.post.topic.title in newest.comment


def test_who_looked_at_an_older_version_looks_again_before_it_goes_in(world: World, shelf: Shelf) -> None:
    article = shelf.published()
    nomination = shelf.nominated()
    articles.revise(article, by=world.root, title="Newer", resolution="Newer words.")
    with pytest.raises(Conflict):
        promotion.put_into(
            nomination, article, by=world.emil, words={"title": "Mine", "resolution": "x"}, way="add", based_on=1
        )


def test_an_answer_against_an_article_puts_it_in_doubt_until_an_editor_has_looked(world: World, shelf: Shelf) -> None:
    article = shelf.published()
    nomination = shelf.nominated()
    promotion.contradict(nomination, article, by=world.emil)
    promotion.contradict(nomination, article, by=world.emil)
    assert nomination.state == "pending"
    assert [doubt.words for doubt in doubts.of(article, viewer=world.emil)] == ["Another answer says something else."]
    lines = {line.words: line.points for line in evidence.weigh(Nomination.id == nomination.id)[0].lines()}
    assert lines["An article says something else"] == evidence.A_CONTRADICTION
    doubts.look_at(nomination.post_id)
    doubts.confirm(article, by=world.emil)
    assert doubts.of(article, viewer=world.emil) == []
    assert db.session.query(ArticleDoubt).count() == 1


def test_checks_are_kept_with_the_decision(world: World, shelf: Shelf) -> None:
    nomination = shelf.nominated()
    promotion.note_checks(nomination, ["advisable", "new", "nonsense"], by=world.emil)
    assert nomination.checks == ["new", "advisable"]
    with pytest.raises(NotAllowed):
        promotion.note_checks(nomination, ["new"], by=world.ada)


def test_the_state_stands_at_the_answer_for_those_who_may_know_it(stage: Any, browser_of: Any, guest: Any) -> None:
    def scene(world: World) -> Any:
        world.everybody()
        nomination = Shelf(world).nominated()
        promotion.decline(nomination, by=world.emil, reason="Only this one router.")
        other = world.answer(nomination.post.topic, "Or buy another one, that is what I did.", by=world.charlie)
        return nomination.post.topic_id, other.id

    topic_id, other_id = stage(scene)
    for handle in ("bob", "tina", "emil"):
        assert (
            "No article: Only this one router." in browser_of(handle).get(f"/t/{topic_id}-", follow_redirects=True).text
        )
    for browser in (guest, browser_of("charlie"), browser_of("alice")):
        page = browser.get(f"/t/{topic_id}-", follow_redirects=True).text
        assert "Only this one router." not in page
        assert "nomination" not in page
    tina = browser_of("tina")
    assert f"/posts/{other_id}/nomination" in tina.get(f"/t/{topic_id}-", follow_redirects=True).text
    assert tina.post(f"/posts/{other_id}/nomination").status_code == 303
    assert "Nominated for an article" in tina.get(f"/t/{topic_id}-", follow_redirects=True).text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("pending", "Somebody proposed this answer for the knowledge base"),
        ("drafted", "An article for everybody is being made of it"),
        ("published", "It became an article that helps others, too"),
        ("declined", "The team looked at it and leaves it an answer"),
    ],
)
def test_who_asked_is_told_kindly_how_it_stands(
    stage: Any, browser_of: Any, guest: Any, state: str, words: str
) -> None:
    def scene(world: World) -> int:
        world.everybody()
        nomination = Shelf(world).nominated()
        world.answer(nomination.post.topic, "Or buy another one, that is what I did.", by=world.charlie)
        nomination.state, nomination.reason = state, "Badly written."  # type: ignore[assignment]
        return nomination.post.topic_id

    topic_id = stage(scene)
    page = browser_of("alice").get(f"/t/{topic_id}-", follow_redirects=True).text
    assert page.count(words) == 1, "at the answer that was nominated, and at no other"
    assert "Badly written." not in page
    for browser in (guest, browser_of("charlie")):
        assert words not in browser.get(f"/t/{topic_id}-", follow_redirects=True).text


def test_an_editor_comes_from_the_answer_to_its_open_draft_at_once(stage: Any, browser_of: Any) -> None:
    post_id = stage(lambda world: (world.everybody(), accepted(world.solved()).id)[1])
    emil = browser_of("emil")
    went = emil.post(f"/posts/{post_id}/nomination")
    assert went.location.startswith("/kb/nominations/")
    page = emil.get(went.location).text
    fields = fields_of(page, went.location + "/article")
    assert fields["title"] == "Wireless gone after the update"
    assert fields["resolution"]


def test_the_words_of_chosen_posts_are_taken_over_and_nothing_typed_is_lost(stage: Any, browser_of: Any) -> None:
    def scene(world: World) -> Any:
        world.everybody()
        nomination = Shelf(world).nominated()
        other = world.answer(nomination.post.topic, "Or choose channel 6 by hand.", by=world.charlie)
        return nomination.id, other.id

    nomination_id, other_id = stage(scene)
    emil = browser_of("emil")
    action = f"/kb/nominations/{nomination_id}/article"
    fields = fields_of(emil.get(f"/kb/nominations/{nomination_id}").text, action)
    typed = fields | {"title": "What I typed", "post": str(other_id), "do": "take"}
    page = emil.post(action, data=typed).text
    taken = fields_of(page, action)
    assert taken["title"] == "What I typed"
    assert taken["resolution"].endswith("Or choose channel 6 by hand.")
    again = fields_of(
        emil.post(action, data=taken | {"post": str(other_id), "taken": str(other_id), "do": "take"}).text, action
    )
    assert again["resolution"].count("channel 6 by hand") == 1
    assert emil.post(action, data=taken | {"post": str(other_id), "do": "draft"}).status_code == 303


def test_the_closest_articles_stand_beside_the_draft_with_what_differs(
    stage: Any, browser_of: Any, worker: Any, app: Any
) -> None:
    def scene(world: World) -> Any:
        world.everybody()
        shelf = Shelf(world)
        article = shelf.published(title="Wireless gone after the update", resolution="Pull the plug.")
        return shelf.nominated().id, article.id

    nomination_id, article_id = stage(scene)
    worker()
    emil = browser_of("emil")
    page = emil.get(f"/kb/nominations/{nomination_id}").text
    assert f"into={article_id}&amp;way=add" in page
    assert "Compare" in page
    into = emil.get(f"/kb/nominations/{nomination_id}?into={article_id}&way=add").text
    assert "What changes in it" in into
    action = f"/kb/nominations/{nomination_id}/article"
    fields = fields_of(into, action)
    assert (fields["way"], fields["into"], fields["based_on"]) == ("add", str(article_id), "1")
    assert fields["resolution"].startswith("Pull the plug.")
    assert emil.post(f"/kb/nominations/{nomination_id}/contradiction", data={"article": article_id}).status_code == 303
    assert emil.post(action, data=fields | {"do": "publish"}).status_code == 303
    with app.app_context():
        assert db.session.get_one(Article, article_id).published.number == 2
        assert len(db.session.scalars(select(Article)).unique().all()) == 1


def test_a_thread_of_sixty_posts_is_shown_whole_and_every_post_can_be_chosen(stage: Any, browser_of: Any) -> None:
    def scene(world: World) -> int:
        world.everybody()
        topic = world.solved()
        for number in range(58):
            world.answer(topic, f"Answer number {number}, at length.", by=world.person(f"author-{number}"))
        return Shelf(world).nominated(topic).id

    nomination_id = stage(scene)
    page = browser_of("emil").get(f"/kb/nominations/{nomination_id}").text
    assert page.count('name="post"') == 59  # the question and 58 answers; the nominated one is chosen


def test_who_does_not_want_to_be_named_is_a_member_of_the_community(
    stage: Any, browser_of: Any, guest: Any, worker: Any, app: Any
) -> None:
    def scene(world: World) -> Any:
        world.everybody()
        article = Shelf(world).published(sources=[accepted(world.solved())])
        return article.id

    article_id = stage(scene)
    path = guest.get(f"/kb/{article_id}").location
    assert ">Bob<" in guest.get(path).text
    bob = browser_of("bob")
    fields = fields_of(bob.get("/settings").text, "/settings")
    assert bob.post("/settings", data=fields | {"theme": "auto", "credit": "unnamed"}).status_code == 303
    page = guest.get(path).text
    assert "a member of the community" in page
    assert ">Bob<" not in page
    assert guest.get(f"/api/v1/articles/{article_id}").get_json()["credits"] == []
    worker()
    with app.app_context():
        assert db.session.query(Notification).filter_by(kind="article_published").count() == 2
    assert "You are not named, as you wished." in bob.get("/notifications").text
