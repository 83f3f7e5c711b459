"""Deeds in any order: a walk by chance over everything the forum can do, and after each step what must be true is true.

The chance has a seed, so a walk that fails fails again; its last steps stand in the message.
"""

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import delete, func, select
from sqlalchemy.orm import lazyload

from accounts.models import User
from accounts.people import AnonymousUser
from core import outbox
from core.clock import now
from core.db import db
from core.errors import KlinkeError
from core.outbox import Delivery
from forum import (
    answers,
    arranging,
    bulk,
    cases,
    categories,
    closing,
    counters,
    experiences,
    flags,
    follows,
    me_too,
    merging,
    moderation,
    objections,
    official,
    posts,
    queries,
    reminding,
    resting,
    reviewing,
    suggested_edits,
    threads,
    topics,
    votes,
    words,
)
from forum.models import (
    Acceptance,
    BulkDeed,
    Category,
    Duplicate,
    Experience,
    MeToo,
    Muting,
    Notification,
    Objection,
    Post,
    ReviewCase,
    SuggestedEdit,
    Topic,
    TopicRedirect,
    Vote,
)
from forum.source import Topics
from search.documents import Document
from search.models import StaleNote
from tests.cast import World

GUEST = AnonymousUser()
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECONDS = 12
"""So long a walk takes at most."""
MOST_STEPS = 120
SHOWN = 12
"""So many steps a failure names."""
REVEALING = {"ask", "answer", "comment", "unmute", "decide", "undo_decision", "answer_objection", "time", "edit"}
"""After these guests may see a post that they did not see before."""
LEAN = lazyload(Post.author).lazyload(User.roles)
TOLD_ONCE = ("topic_asked", "answer_posted", "comment_posted", "answer_accepted", "topic_solved", "mentioned")


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_is_done_in_whatever_order_the_promises_hold(
    seed: int, world: World, clock: time_machine.Traveller, settings: Callable[..., None]
) -> None:
    settings(hide_at_flags=2, remind_from_hour=0, remind_until_hour=24, contradictions_needed=1)
    Walk(world, clock, random.Random(seed)).go(until=time.perf_counter() + SECONDS)  # noqa: S311 -- a walk, no secret


class Walk:
    """What is done, step by step, and what guests saw after the last one."""

    def __init__(self, world: World, clock: time_machine.Traveller, chance: random.Random) -> None:
        self.world, self.clock, self.chance = world, clock, chance
        self.people = [*world.everybody(), world.newcomer("nora"), world.newcomer("otto")]
        self.team = [world.ada, world.root]
        phones = Category(slug="phones", names={"de": "Telefone", "en": "Phones"}, accepts_several=True, position=2)
        tired = Category(slug="tired", names={"de": "Ruhe", "en": "Rest"}, closes_after_hours=5, position=3)
        db.session.add_all([phones, tired])
        db.session.flush()
        self.categories = [world.router, phones, tired]
        words.watch("quince", deed="hold", by=world.root)
        follows.watch(world.router, by=world.dora, level="everything")
        self.steps: list[str] = []
        self.number = 0
        self.seen: set[int] = set()
        self.documents: dict[int, Document] = {}
        db.session.commit()

    def go(self, *, until: float) -> None:
        deeds = [getattr(self, name) for name in dir(self) if name.startswith("do_")]
        for _ in range(6):
            self.step(self.do_ask)
        for _ in range(MOST_STEPS):
            if time.perf_counter() > until:
                break
            self.step(self.chance.choice(deeds))

    def step(self, deed: Callable[[], object]) -> None:
        self.number += 1
        name = deed.__name__.removeprefix("do_")
        self.clock.shift(timedelta(seconds=61))
        refusal = ""
        try:
            said = deed()
            db.session.commit()
        except KlinkeError as error:
            db.session.rollback()
            said, refusal = "", f" refused: {error.sentence or error.title}"
        self.steps.append(f"{self.number}. {name} {said or ''}{refusal}")
        while outbox.deliver_due():
            pass
        try:
            self.check(name)
        except AssertionError as error:
            walked = "\n".join(self.steps[-SHOWN:])
            raise AssertionError(f"{error}\nafter\n{walked}") from error

    # What can be done

    def do_ask(self) -> str:
        by = self.person()
        topic = topics.ask(
            title=f"Question {self.number} of many",
            source=f"What is w{self.number}x, please? {self.spice()}",
            category=self.chance.choice(self.categories),
            locale="en",
            tags=("wifi",),
            by=by,
        )
        return f"topic {topic.id} by {by.handle}"

    def do_answer(self) -> str:
        topic, by = self.topic(), self.person()
        post = answers.post(topic, source=f"It is w{self.number}x. {self.spice()}", by=by)
        return f"post {post.id} in {topic.id} by {by.handle}"

    do_answer_again = do_answer

    def do_comment(self) -> str:
        above, by = self.post("question", "answer"), self.person()
        post = answers.comment(above, source=f"But w{self.number}x? {self.spice()}", by=by)
        return f"post {post.id} on {above.id} by {by.handle}"

    def do_edit(self) -> str:
        post = self.post()
        by = self.chance.choice([post.author or self.world.ada, self.world.ada])
        posts.edit(post, source=f"{post.source[:500]} w{self.number}x {self.spice()}", by=by, version=post.version)
        return f"post {post.id} by {by.handle}"

    def do_accept(self) -> str:
        post = self.post("answer")
        by = self.chance.choice([post.topic.asker or self.world.ada, self.world.ada, self.world.tina])
        answers.accept(post, by=by, label=self.chance.choice(["", "7.1", "8.0"]))
        return f"post {post.id} in {post.topic_id} by {by.handle}"

    do_accept_again = do_accept

    def do_undo_acceptance(self) -> str:
        topic = self.topic()
        answers.undo_acceptance(topic, by=self.chance.choice([topic.asker or self.world.ada, self.world.ada]))
        return f"topic {topic.id}"

    def do_tell_experience(self) -> str:
        post, by = self.solution(), self.person()
        experiences.tell(post, has_worked=self.chance.random() < 0.5, words="It blinks.", by=by)
        return f"post {post.id} by {by.handle}"

    do_tell_experience_again = do_tell_experience

    def do_withdraw_experience(self) -> str:
        post = self.solution()
        experiences.withdraw(post, by=self.person())
        return f"post {post.id}"

    def do_vote(self) -> str:
        post = self.post()
        (votes.vote if self.chance.random() < 0.8 else votes.withdraw)(post, by=self.person())
        return f"post {post.id}"

    def do_me_too(self) -> str:
        topic, by = self.topic(), self.person()
        (me_too.say if self.chance.random() < 0.8 else me_too.take_back)(topic, by=by)
        return f"topic {topic.id} by {by.handle}"

    def do_follow(self) -> str:
        topic = self.topic()
        follows.choose(topic, self.chance.choice(["everything", "solution", "none", "silenced"]), by=self.person())
        return f"topic {topic.id}"

    def do_mute_post(self) -> str:
        post = self.post()
        self.mute(post)
        return f"post {post.id}"

    def do_mute_topic(self) -> str:
        topic = self.topic()
        self.mute(topic)
        return f"topic {topic.id}"

    def do_unmute(self) -> str:
        muting = self.any(Muting)
        if muting is None:
            return ""
        subject = moderation.subject_of(muting)
        moderation.unmute(subject, by=self.world.ada)
        return f"{subject.__tablename__} {subject.id}"

    do_unmute_again = do_unmute

    def do_flag(self) -> str:
        post, by = self.post(), self.person()
        flags.flag(post, reason="rude", by=by)
        return f"post {post.id} by {by.handle}"

    do_flag_again = do_flag

    def do_decide(self) -> str:
        case = self.case()
        if case is None:
            return ""
        deed = self.chance.choice(reviewing.DEEDS)
        reviewing.decide(case, deed, by=self.chance.choice(self.team), reason="as it is")
        return f"{deed} case {case.id} of post {case.post_id}"

    do_decide_again = do_decide

    def do_undo_decision(self) -> str:
        batch = db.session.scalar(
            select(ReviewCase.batch)
            .where(ReviewCase.batch.is_not(None))
            .order_by(ReviewCase.decided_at.desc())
            .limit(1)
        )
        if batch is None:
            return ""
        reviewing.undo(batch, by=self.world.ada)
        return batch

    def do_close(self) -> str:
        topic = self.topic()
        closing.close(topic, by=self.world.ada, reason="enough said")
        return f"topic {topic.id}"

    def do_close_as_duplicate(self) -> str:
        topic, target = self.topic(), self.topic()
        closing.close_as_duplicate(topic, target=target, by=self.world.ada)
        return f"topic {topic.id} of {target.id}"

    do_close_as_duplicate_again = do_close_as_duplicate

    def do_reopen(self) -> str:
        topic = self.topic()
        closing.reopen(topic, by=self.world.ada)
        return f"topic {topic.id}"

    def do_wake(self) -> str:
        topic = self.topic()
        resting.reopen(topic, by=topic.asker or self.world.ada)
        return f"topic {topic.id}"

    def do_merge(self) -> str:
        topic, into = self.topic(), self.topic()
        ids = topic.id, into.id
        merging.merge(topic, into=into, by=self.world.ada, knowing=True)
        return f"{ids[0]} into {ids[1]}"

    def do_split(self) -> str:
        topic = self.topic()
        below = [post.id for post in queries.visible_posts(topic, viewer=self.world.ada) if post.kind != "question"]
        chosen = self.chance.sample(below, min(len(below), self.chance.randint(1, 3)))
        made = arranging.split(
            topic,
            post_ids=chosen,
            title=f"Split off in step {self.number}",
            category=self.chance.choice(self.categories),
            by=self.world.ada,
            knowing=self.chance.random() < 0.7,
        )
        return f"{chosen} of {topic.id}: {made.id}"

    do_split_again = do_split

    def do_move(self) -> str:
        topic, category = self.topic(), self.chance.choice(self.categories)
        arranging.move(topic, category=category, by=self.world.ada)
        return f"topic {topic.id} to {category.slug}"

    def do_rename(self) -> str:
        topic = self.topic()
        arranging.rename(topic, title=f"Renamed in step {self.number}", by=self.world.ada)
        return f"topic {topic.id}"

    def do_give(self) -> str:
        post, to = self.post(), self.person()
        arranging.give(post, to=to, by=self.world.ada)
        return f"post {post.id} to {to.handle}"

    def do_pin(self) -> str:
        topic = self.topic()
        arranging.pin(topic, by=self.world.ada, until=now() + timedelta(hours=self.chance.randint(1, 50)))
        return f"topic {topic.id}"

    def do_bulk(self) -> str:
        deed = self.chance.choice(list(bulk.DEEDS))
        chosen = {topic.id: topic for topic in (self.topic(), self.topic(), self.topic())}
        wanted = bulk.Wanted(
            reason="tidy", category=self.chance.choice(self.categories), tag="cable", target=str(self.topic().id)
        )
        done = bulk.do(deed, list(chosen.values()), wanted=wanted, by=self.world.ada)
        return f"{deed} {sorted(chosen)}: {done.refused}"

    def do_undo_bulk(self) -> str:
        done = self.any(BulkDeed)
        if done is None:
            return ""
        outcome = bulk.undo(done, by=self.world.ada)
        return f"{done.id} {done.deed} {done.changes}: {outcome.refused}"

    def do_object(self) -> str:
        muting = self.any(Muting)
        if muting is None:
            return ""
        post = cases.question_of(moderation.subject_of(muting))
        objections.raise_against(post, text="I did not mean it so.", by=post.author or self.world.ada)
        return f"post {post.id}"

    def do_answer_objection(self) -> str:
        objection = self.any(Objection)
        if objection is None:
            return ""
        lifts = self.chance.random() < 0.5
        objections.answer(objection, text="We looked again.", lifts=lifts, by=self.world.ada)
        return f"{objection.id}, lifts: {lifts}"

    def do_suggest(self) -> str:
        post, by = self.post("question", "answer"), self.person()
        suggested_edits.suggest(
            post, source=f"{post.source[:500]} w{self.number}x", reason="better", version=post.version, by=by
        )
        return f"post {post.id} by {by.handle}"

    def do_decide_suggestion(self) -> str:
        suggestion = self.any(SuggestedEdit)
        if suggestion is None:
            return ""
        by, way = self.chance.choice([suggestion.post.author or self.world.ada, self.world.ada]), self.chance.random()
        if way < 0.6:
            suggested_edits.take(suggestion, version=suggestion.post.version, by=by)
        elif way < 0.8:
            suggested_edits.decline(suggestion, words="not so", by=by)
        else:
            suggested_edits.undo(suggestion, by=by)
        return f"{suggestion.id} of post {suggestion.post_id} by {by.handle}: {suggestion.outcome}"

    def do_official(self) -> str:
        post = self.post("answer")
        (official.declare if self.chance.random() < 0.8 else official.withdraw)(post, by=self.world.ada)
        return f"post {post.id}"

    def do_rule(self) -> str:
        category = self.categories[1]
        categories.set_rules(
            category, accepts_several=not category.accepts_several, closes_after_hours=None, by=self.world.root
        )
        return f"{category.slug} takes several: {category.accepts_several}"

    def do_time(self) -> str:
        hours = self.chance.choice([1, 7, 30])
        self.clock.shift(timedelta(hours=hours))
        db.session.commit()
        moderation.lift_expired()
        moderation.ask_for_reviews()
        reminding.remind_askers()
        return f"{hours} hours"

    # What must be true

    def check(self, name: str) -> None:
        db.session.expire_all()
        assert [delivery.last_error for delivery in db.session.scalars(select(Delivery)) if delivery.last_error] == []
        assert list(counters.complaints()) == []
        self.check_places()
        self.check_solutions()
        self.check_mutings()
        self.check_ways()
        self.check_people()
        self.check_news()
        self.check_sight(name)
        self.check_search()
        db.session.commit()

    def check_places(self) -> None:
        every = {post.id: post for post in db.session.scalars(select(Post).options(LEAN)).unique()}

        def is_lively(post: Post) -> bool:
            above = every.get(post.parent_id or 0)
            return post.muting is None and (above is None or above.muting is None)

        for topic in self.topics():
            asked = [post for post in every.values() if post.topic_id == topic.id and post.kind == "question"]
            assert len(asked) == 1, f"topic {topic.id} has {len(asked)} questions"
            assert asked[0].author_id == topic.asker_id, f"topic {topic.id} is not its asker's"
            latest = max(post.created_at for post in every.values() if post.topic_id == topic.id and is_lively(post))
            assert topic.last_activity_at == latest, f"topic {topic.id}: {topic.last_activity_at}, not {latest}"
        for post in every.values():
            above = every.get(post.parent_id or 0)
            if above is not None:
                assert above.topic_id == post.topic_id, f"post {post.id} is not where what it comments on is"
                assert above.kind != "comment", f"post {post.id} comments on a comment"
            if post.official_at is not None:
                assert post.kind == "answer", f"the house speaks in a {post.kind}, {post.id}"
                assert post.author is not None, post.id
                assert post.author.is_team, f"{post.author.handle} speaks for the house in {post.id}"

    def check_solutions(self) -> None:
        places: dict[int, list[int]] = {}
        for one in db.session.scalars(select(Acceptance)).unique():
            places.setdefault(one.topic_id, []).append(one.position)
            assert one.post.topic_id == one.topic_id, f"the solution of {one.topic_id} is elsewhere"
            assert one.post.kind == "answer", f"post {one.post_id} is a solution and no answer"
            assert not one.post.is_muted, f"post {one.post_id} is a solution and muted"
            kept = one.is_contradicted
            with db.session.begin_nested() as undone:
                experiences.count(one)
                counted = one.is_contradicted
                undone.rollback()
            assert kept == counted, f"post {one.post_id} contradicted: {kept}, not {counted}"
        for topic_id, positions in places.items():
            assert 0 in positions, f"topic {topic_id} has a second solution and no first one"

    def check_mutings(self) -> None:
        waiting = set()
        for muting in db.session.scalars(select(Muting)).unique():
            post = cases.question_of(moderation.subject_of(muting))
            assert (muting.topic_id is None) == (post.kind != "question"), f"post {post.id}, a {post.kind}, is muted"
            if muting.is_waiting:
                waiting.add(post.id)
                assert cases.open_of(post.id) is not None, f"post {post.id} waits and nobody is asked"
        for case in db.session.scalars(select(ReviewCase).where(ReviewCase.decided_at.is_(None))):
            assert case.kind == "flagged" or case.post_id in waiting, f"case {case.id}: nothing waits"
        for objection in db.session.scalars(select(Objection)):
            assert objection.answered_at is not None or objection.muting_id is not None, f"objection {objection.id}"

    def check_ways(self) -> None:
        alive = set(db.session.scalars(select(Topic.id)))
        for redirect in db.session.scalars(select(TopicRedirect)):
            assert redirect.old_id not in alive, f"{redirect.old_id} leads on and is there"
            assert redirect.topic_id in alive, f"{redirect.old_id} leads to nothing"
        for topic in self.topics():
            led = db.session.scalars(select(Duplicate.target_id).where(Duplicate.topic_id == topic.id)).all()
            assert (topic.closed_as == "duplicate") == bool(led), f"topic {topic.id}: {topic.closed_as}, leads to {led}"
            for target_id in led:
                target = db.session.get_one(Topic, target_id)
                assert not closing.leads_to(target, topic), f"topic {topic.id} leads back to itself"
                muting = target.muting
                is_gone = muting is not None and muting.is_in_force and not muting.is_waiting
                assert not is_gone, f"topic {topic.id} leads to {target_id}, which is muted"

    def check_people(self) -> None:
        for model, person, of in (
            (Vote, Vote.user_id, Vote.post_id),
            (Experience, Experience.user_id, Experience.post_id),
        ):
            own = select(func.count()).select_from(model).join(Post, Post.id == of).where(person == Post.author_id)
            assert db.session.scalar(own) == 0, f"somebody has a {model.__tablename__} for the own post"
        own = select(func.count()).select_from(MeToo).join(Topic, Topic.id == MeToo.topic_id)
        assert db.session.scalar(own.where(MeToo.user_id == Topic.asker_id)) == 0, "an asker has the same problem"

    def check_news(self) -> None:
        told = (Notification.user_id, Notification.kind, Notification.topic_id, Notification.post_id)
        twice = select(*told).where(Notification.kind.in_(TOLD_ONCE)).group_by(*told).having(func.count() > 1)
        assert db.session.execute(twice).all() == []
        once = (Notification.user_id, Notification.kind, Notification.topic_id)
        asked = select(*once).where(Notification.kind.in_(("topic_asked", "topic_closed", "accept_reminder")))
        assert db.session.execute(asked.group_by(*once).having(func.count() > 1)).all() == [], "told twice of one topic"

    def check_sight(self, name: str) -> None:
        shown = set(db.session.scalars(select(Post.id).where(queries.posts_visible_to(GUEST))))
        new = {post_id for post_id in shown - self.seen if name.removesuffix("_again") not in REVEALING}
        assert not new, f"{name} showed to guests what was hidden: {sorted(new)}"
        self.seen = shown
        for topic in [self.topic()]:
            if topic.is_muted:
                continue
            thread = threads.read(topic, viewer=GUEST)
            on_page = [
                thread.question,
                *thread.leading,
                *thread.answers,
                *(one for some in thread.comments.values() for one in some),
            ]
            assert {post.id for post in on_page} <= shown
            assert len(on_page) == len({post.id for post in on_page}), f"a post stands twice in topic {topic.id}"

    def check_search(self) -> None:
        """What was noted as stale is read anew, as the worker does; then the index is what is visible."""
        stale = set(db.session.scalars(select(StaleNote.ref_id).where(StaleNote.kind == "topic")))
        db.session.execute(delete(StaleNote))
        source = Topics()
        for topic_id in stale:
            self.documents.pop(topic_id, None)
        self.documents |= {document.ref.id: document for document in source.documents(stale)}
        true = {document.ref.id: document for document in source.documents(list(source.ids()))}
        for topic_id in self.documents.keys() | true.keys():
            assert self.documents.get(topic_id) == true.get(topic_id), f"search does not know topic {topic_id} as it is"

    # Who and what

    def person(self) -> User:
        return self.chance.choice(self.people)

    def spice(self) -> str:
        return self.chance.choice(["", "", "", "", "A quince.", "@bob, look."])

    def topics(self) -> list[Topic]:
        return list(db.session.scalars(select(Topic).order_by(Topic.id)).unique())

    def topic(self) -> Topic:
        return self.chance.choice(self.topics())

    def post(self, *kinds: str) -> Post:
        wanted = select(Post).where(Post.kind.in_(kinds or ("question", "answer", "comment"))).order_by(Post.id)
        found = list(db.session.scalars(wanted).unique())
        return self.chance.choice(found) if found else self.post()

    def solution(self) -> Post:
        found = list(db.session.scalars(select(Acceptance).order_by(Acceptance.id)).unique())
        return self.chance.choice(found).post if found else self.post("answer")

    def case(self) -> ReviewCase | None:
        open_ones = select(ReviewCase).where(ReviewCase.decided_at.is_(None)).order_by(ReviewCase.id)
        found = list(db.session.scalars(open_ones).unique())
        return self.chance.choice(found) if found else None

    def any(self, model: Any) -> Any:
        found = list(db.session.scalars(select(model).order_by(model.id)).unique())
        return self.chance.choice(found) if found else None

    def mute(self, subject: Topic | Post) -> None:
        is_silent = self.chance.random() < 0.2
        moderation.mute(
            subject,
            by=self.chance.choice(self.team),
            reason="off topic",
            rule="spam" if is_silent else "other",
            is_silent=is_silent,
            until=self.chance.choice([None, None, now() + timedelta(hours=6)]),
            release=self.chance.random() < 0.5,
        )
