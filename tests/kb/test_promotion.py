"""From an accepted answer to a draft."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from accounts.models import AuditEntry
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from forum import answers, follows, moderation, votes
from forum.models import Duplicate, Post, Topic
from kb import articles, promotion
from kb.models import Nomination
from tests.cast import World
from tests.kb.shelf import Shelf, accepted


def nominations() -> list[Nomination]:
    return list(db.session.scalars(select(Nomination)).unique())


def test_the_worker_nominates_an_accepted_answer_once(stage: Any, worker: Any, app: Any) -> None:
    post_id = stage(lambda world: accepted(world.solved()).id)
    worker()
    worker()
    with app.app_context():
        assert [(one.post_id, one.state, one.by_id) for one in nominations()] == [(post_id, "pending", None)]


def test_a_repeated_nomination_changes_nothing(world: World, shelf: Shelf) -> None:
    topic = world.solved()
    first = promotion.nominate(accepted(topic))
    second = promotion.nominate(accepted(topic))
    assert first is second is not None
    assert len(nominations()) == 1


def test_an_undone_acceptance_takes_the_nomination_back(stage: Any, worker: Any, app: Any) -> None:
    topic_id = stage(lambda world: world.solved().id)
    worker()
    stage(lambda world: answers.undo_acceptance(_topic(topic_id), by=world.alice))
    worker()
    with app.app_context():
        assert nominations() == []


def test_an_acceptance_undone_before_the_worker_came_nominates_nothing(stage: Any, worker: Any, app: Any) -> None:
    def scene(world: World) -> None:
        topic = world.solved()
        answers.undo_acceptance(topic, by=world.alice)

    stage(scene)
    worker()
    with app.app_context():
        assert nominations() == []


def test_another_acceptance_moves_the_nomination(stage: Any, worker: Any, app: Any) -> None:
    def scene(world: World) -> Any:
        topic = world.solved()
        return topic.id, world.answer(topic, "Or buy a new one, that is what I did.", by=world.charlie).id

    _topic_id, other_id = stage(scene)
    worker()
    stage(lambda world: answers.accept(_post(other_id), by=world.alice))
    worker()
    with app.app_context():
        assert [one.post_id for one in nominations()] == [other_id]


def test_what_an_editor_declined_is_not_nominated_again(world: World, shelf: Shelf) -> None:
    nomination = shelf.nominated()
    promotion.decline(nomination, by=world.emil, reason="Only this one router.")
    promotion.retract(nomination.post)
    assert promotion.nominate(nomination.post) is nomination
    assert (nomination.state, nomination.reason) == ("declined", "Only this one router.")


def test_muted_posts_are_not_nominated_until_they_are_unmuted(stage: Any, worker: Any, app: Any) -> None:
    def scene(world: World) -> Any:
        topic = world.solved()
        moderation.mute(topic, by=world.ada, reason="personal data")
        return topic.id

    topic_id = stage(scene)
    worker()
    with app.app_context():
        assert nominations() == []
    stage(lambda world: moderation.unmute(_topic(topic_id), by=world.ada))
    worker()
    with app.app_context():
        assert len(nominations()) == 1


def test_pending_nominations_of_muted_topics_are_not_shown(world: World, shelf: Shelf) -> None:
    nomination = shelf.nominated()
    assert len(promotion.queue("pending")) == promotion.counts()["pending"] == 1
    moderation.mute(nomination.post.topic, by=world.ada, reason="personal data")
    assert promotion.queue("pending") == []
    assert promotion.counts()["pending"] == 0
    with pytest.raises(NotFound):
        promotion.visible_nomination(nomination.id)


def test_the_queue_is_ranked_by_evidence_and_says_every_part(world: World, shelf: Shelf) -> None:
    weak = shelf.nominated(title="The light of the router blinks")
    topic = world.ask(title="No wireless since the update, anybody")
    best = world.answer(topic, "Restart it, then choose channel 6, that is all.")
    world.answer(topic, "I have no idea, sorry, but I follow this.", by=world.charlie)
    votes.vote(best, by=world.charlie)
    votes.vote(best, by=world.tina)
    follows.follow(topic, by=world.tina)
    db.session.add(Duplicate(topic_id=weak.post.topic_id, target_id=topic.id))
    answers.accept(best, by=world.alice)
    strong = shelf.nominated(topic)

    ranked = promotion.queue("pending")

    assert [one.nomination_id for one in ranked] == [strong.id, weak.id]
    assert {line.words: line.points for line in ranked[0].lines()} == {
        "The asker says it solved the problem": 3,
        "Helpful for 2 people": 2,
        "2 more people follow the question": 2,
        "Asked 1 more time": 3,
        "Chosen over 1 other answer": 1,
    }
    assert ranked[0].score == sum(line.points for line in ranked[0].lines()) == 11


def test_an_old_answer_loses_points_and_an_acceptance_by_others_counts_less(world: World, shelf: Shelf) -> None:
    topic = world.ask()
    post = world.answer(topic)
    post.created_at = now() - timedelta(days=2 * 365 + 10)
    answers.accept(post, by=world.ada)
    shelf.nominated(topic)
    lines = {line.words: line.points for line in promotion.queue("pending")[0].lines()}
    assert lines == {"Accepted by the team or a trusted member": 2, "The answer is 2 years old": -2}


def test_a_proposal_takes_the_words_of_the_question_and_of_the_answer(world: World, shelf: Shelf) -> None:
    topic = world.ask(title="Why does the wireless vanish", source="Since **today** it is gone.", tags=("wifi", "r2"))
    answers.accept(world.answer(topic, "Choose channel 6, e.g. by hand. Then restart it.\n\n- once\n"), by=world.alice)
    proposal = promotion.propose(accepted(topic))
    assert proposal.title == "Why does the wireless vanish"
    assert proposal.symptoms == "Since **today** it is gone."
    assert proposal.resolution.startswith("Choose channel 6")
    assert proposal.summary == "Choose channel 6, e.g. by hand."
    assert proposal.tags == ["r2", "wifi"]
    assert proposal.locale == "en"
    assert proposal.keywords == ["wireless", "vanish"]
    assert proposal.section_name == topic.category.name


def test_a_draft_credits_the_author_and_remembers_the_version_of_the_answer(world: World, shelf: Shelf) -> None:
    nomination = shelf.nominated()
    article = promotion.draft_from(nomination, by=world.emil)
    assert not article.is_published
    assert nomination.state == "drafted"
    assert nomination.article is article
    assert [(source.post.author.handle, source.post_version) for source in article.sources] == [("bob", 1)]
    assert article.section.slug == "router"
    assert [tag.name for tag in article.tags] == ["wifi"]


def test_the_editors_words_go_into_the_draft(world: World, shelf: Shelf) -> None:
    nomination = shelf.nominated()
    article = promotion.draft_from(
        nomination,
        by=world.emil,
        locale="de",
        tags=["funk"],
        audience="team",
        words={"title": "Kein WLAN", "resolution": "Kanal 6 wählen."},
    )
    assert (article.locale, article.audience, [tag.name for tag in article.tags]) == ("de", "team", ["funk"])
    assert article.revisions[0].title == "Kein WLAN"


def test_two_editors_make_one_draft(world: World, shelf: Shelf) -> None:
    nomination = shelf.nominated()
    promotion.draft_from(nomination, by=world.emil)
    with pytest.raises(Conflict):
        promotion.draft_from(nomination, by=world.root)
    with pytest.raises(Conflict):
        promotion.decline(nomination, by=world.root, reason="We do not need it.")


def test_a_declined_answer_can_still_become_an_article(world: World, shelf: Shelf) -> None:
    nomination = shelf.nominated()
    promotion.decline(nomination, by=world.emil, reason="Too special.")
    promotion.draft_from(nomination, by=world.root)
    assert (nomination.state, nomination.reason) == ("drafted", "")


def test_declining_needs_a_reason_and_is_audited(world: World, shelf: Shelf) -> None:
    nomination = shelf.nominated()
    with pytest.raises(Invalid) as refusal:
        promotion.decline(nomination, by=world.emil, reason=" ")
    assert "reason" in refusal.value.fields
    promotion.decline(nomination, by=world.emil, reason="Only this one router.")
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.deed == "kb.nomination.decline")).unique().one()
    assert (entry.reason, entry.by_id, entry.subject_id) == ("Only this one router.", world.emil.id, nomination.id)


@pytest.mark.parametrize("handle", ["alice", "bob", "tina", "dora", "ada"])
def test_only_editors_decide(world: World, shelf: Shelf, handle: str) -> None:
    world.everybody()
    nomination = shelf.nominated()
    somebody = world.person(handle)
    with pytest.raises(NotAllowed):
        promotion.draft_from(nomination, by=somebody)
    with pytest.raises(NotAllowed):
        promotion.decline(nomination, by=somebody, reason="I say so.")
    with pytest.raises(NotAllowed):
        promotion.draft_from_post(nomination.post, by=somebody)


def test_any_answer_can_be_made_an_article_but_no_comment_and_nothing_muted(world: World, shelf: Shelf) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    comment = answers.comment(answer, source="That helped me as well.", by=world.charlie)
    article = promotion.draft_from_post(answer, by=world.emil)
    assert promotion.of_post(answer).state == "drafted"
    assert article.sources[0].post is answer
    with pytest.raises(Invalid):
        promotion.draft_from_post(comment, by=world.emil)
    muted = world.answer(topic, "Call 0123 456, ask for Eve.", by=world.charlie)
    moderation.mute(muted, by=world.ada, reason="personal data")
    with pytest.raises(Invalid):
        promotion.draft_from_post(muted, by=world.emil)


def test_imported_acceptances_are_nominated_on_command(app: Any, stage: Any) -> None:
    stage(lambda world: [world.solved(title=f"Question number {n}, please") for n in range(3)] and None)
    result = app.test_cli_runner().invoke(args=["kb", "nominate"])
    assert (result.exit_code, result.output) == (0, "3 answers nominated\n")
    assert app.test_cli_runner().invoke(args=["kb", "nominate"]).output == "0 answers nominated\n"


def test_an_answer_that_is_an_article_already_is_not_nominated(world: World, shelf: Shelf) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    shelf.published(sources=[answer])
    answers.accept(answer, by=world.alice)
    assert promotion.nominate(answer) is None


def test_publishing_and_withdrawing_moves_the_nomination(world: World, shelf: Shelf) -> None:
    nomination = shelf.nominated()
    article = promotion.draft_from(nomination, by=world.emil)
    articles.publish(article, by=world.emil)
    db.session.refresh(nomination)
    assert nomination.state == "published"
    articles.withdraw(article, by=world.emil, reason="It was wrong.")
    db.session.refresh(nomination)
    assert nomination.state == "drafted"
    assert db.session.scalar(select(func.count()).select_from(Nomination)) == 1


def _topic(topic_id: int) -> Topic:
    return db.session.get_one(Topic, topic_id)


def _post(post_id: int) -> Post:
    return db.session.get_one(Post, post_id)
