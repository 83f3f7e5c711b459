"""Many at once: what can happen once happens once, and nobody's words are lost without being told."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts import one_time, people
from core.db import db
from core.outbox import Delivery
from desk.models import Message
from forum import answers, categories
from forum.models import Acceptance, Muting, Post, PostRevision, Tag, Topic, Vote
from kb.models import Article
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as desk_stage

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
T = TypeVar("T")

AT_ONCE = 10
"""So many requests are under way at a time; the pool of connections has room for them."""


def at_once(deed: Callable[[int], T], times: int) -> Sequence[T]:
    """Have a deed done many times by threads that begin together."""
    gate = threading.Barrier(min(AT_ONCE, times))

    def begin(number: int) -> T:
        if number < gate.parties:
            gate.wait(timeout=20)
        return deed(number)

    with ThreadPoolExecutor(gate.parties) as pool:
        return list(pool.map(begin, range(times)))


def test_of_a_hundred_acceptances_at_once_exactly_one_stands(
    app: Flask, stage: Stage, token_of: Callable[..., str]
) -> None:
    def scene(world: World) -> list[int]:
        topic = world.ask()
        world.ada  # noqa: B018 -- she comes on stage
        return [world.answer(topic, f"Answer number {number}: choose channel 6.").id for number in range(100)]

    post_ids = stage(scene)
    headers = {"Authorization": f"Bearer {token_of('alice')}"}

    def accept(number: int) -> int:
        # On a machine that is busy with other things SQLite may send some away; they are told when to come again.
        for _ in range(20):
            answer = app.test_client().post(f"/api/v1/posts/{post_ids[number]}/acceptance", headers=headers)
            if answer.status_code != 503 or "Retry-After" not in answer.headers:
                break
        return int(answer.status_code)

    assert Counter(at_once(accept, 100)) == {201: 100}
    with app.app_context():
        (acceptance,) = db.session.scalars(select(Acceptance)).all()
        assert acceptance.post_id in post_ids
        heard = Counter(db.session.scalars(select(Delivery.event).where(Delivery.event.like("A%"))))
        listeners = heard["AnswerAccepted"] // 100
        assert heard["AnswerAccepted"] == 100 * listeners, "each was chosen for a moment, and everybody hears of it"
        undone = heard["AcceptanceUndone"]
        assert undone % 99 == 0, "and all but the last were taken back"


def test_of_fifty_edits_at_once_one_wins_and_the_others_see_its_text(
    app: Flask, stage: Stage, browser_of: BrowserOf
) -> None:
    post_id = stage(lambda world: world.settled(world.answer(world.ask())).id)
    browsers = [browser_of("bob") for _ in range(50)]
    words = [f"This is what number {number:02} wants to say." for number in range(50)]
    told = at_once(
        lambda number: browsers[number].post(f"/posts/{post_id}/edit", data={"source": words[number], "version": 1}), 50
    )
    assert Counter(answer.status_code for answer in told) == {303: 1, 409: 49}
    winner = next(number for number, answer in enumerate(told) if answer.status_code == 303)
    with app.app_context():
        post = db.session.get_one(Post, post_id)
        assert (post.source, post.version) == (words[winner], 2)
        assert db.session.scalar(select(func.count(PostRevision.id))) == 1
    for number, answer in enumerate(told):
        if number != winner:
            assert f"number {number:02}" in answer.text.replace("<ins>", "").replace("</ins>", ""), "what was typed"
            assert 'name="version"' in answer.text
            assert 'value="2"' in answer.text, "sent once more it knows the newer text"
            assert f"{winner:02}" in answer.text, "the newer text is shown"


def test_edits_that_are_repeated_after_a_conflict_all_stand_in_the_history(app: Flask, stage: Stage) -> None:
    from core.errors import Conflict
    from forum import posts

    post_id = stage(lambda world: world.settled(world.answer(world.ask())).id)

    def edit(number: int) -> int:
        for attempt in range(1, 500):
            with app.app_context():
                post = db.session.get_one(Post, post_id)
                try:
                    posts.edit(
                        post, source=f"Said by {number:02}, sooner or later.", by=World().bob, version=post.version
                    )
                    db.session.commit()
                except Conflict:
                    db.session.rollback()
                    continue
                return attempt
        return pytest.fail("never came through")

    at_once(edit, 50)
    with app.app_context():
        post = db.session.get_one(Post, post_id)
        said = [revision.source for revision in posts.revisions(post)] + [post.source]
        assert len(said) == 51
        assert {words[8:10] for words in said[1:]} == {f"{number:02}" for number in range(50)}
        numbers = list(db.session.scalars(select(PostRevision.number).order_by(PostRevision.number)))
        assert numbers == list(range(1, 51)), "without a gap"


def test_solutions_for_different_versions_accepted_at_once_all_stand_and_one_is_first(
    app: Flask, stage: Stage, token_of: Callable[..., str]
) -> None:
    def scene(world: World) -> list[int]:
        categories.set_rules(world.router, accepts_several=True, closes_after_hours=None, by=world.root)
        topic = world.ask()
        return [world.answer(topic, f"Answer number {number}: choose channel 6.").id for number in range(30)]

    post_ids = stage(scene)
    headers = {"Authorization": f"Bearer {token_of('alice')}"}

    def accept(number: int) -> int:
        path = f"/api/v1/posts/{post_ids[number]}/acceptance?label=version {number % 10}"
        return int(app.test_client().post(path, headers=headers).status_code)

    assert set(at_once(accept, 30)) == {201}
    with app.app_context():
        stand = db.session.scalars(select(Acceptance).order_by(Acceptance.position)).all()
        assert sorted(one.label for one in stand) == [f"version {number}" for number in range(10)]
        assert [one.position for one in stand] == list(range(10))


@pytest.mark.parametrize("what", ["answer", "comment"])
def test_a_button_pressed_ten_times_at_once_posts_once(
    app: Flask, stage: Stage, browser_of: BrowserOf, what: str
) -> None:
    def scene(world: World) -> tuple[int, int]:
        topic = world.ask()
        return topic.id, world.answer(topic).id

    topic_id, post_id = stage(scene)
    browsers = [browser_of("bob") for _ in range(10)]
    path = f"/topics/{topic_id}/answers" if what == "answer" else f"/posts/{post_id}/comments"
    form = {"source": "And then it worked again.", "once": "0123456789abcdef"}
    told = at_once(lambda number: browsers[number].post(path, data=form), 10)
    assert {answer.status_code for answer in told} == {303}
    assert len({answer.headers["Location"] for answer in told}) == 1
    with app.app_context():
        written = select(func.count(Post.id)).where(Post.source == form["source"], Post.kind == what)
        assert db.session.scalar(written) == 1


def test_thirty_votes_of_one_person_are_one(app: Flask, stage: Stage, browser_of: BrowserOf) -> None:
    post_id = stage(lambda world: (world.charlie, world.answer(world.ask()).id)[1])
    browsers = [browser_of("charlie") for _ in range(30)]
    told = at_once(lambda number: browsers[number].post(f"/posts/{post_id}/vote"), 30)
    assert {answer.status_code for answer in told} == {303}
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Vote)) == 1
        assert db.session.get_one(Post, post_id).helpful_count == 1


def test_votes_and_their_taking_back_at_once_keep_the_number_right(
    app: Flask, stage: Stage, browser_of: BrowserOf
) -> None:
    handles = ("charlie", "tina", "ada", "emil", "dora")
    post_id = stage(lambda world: (world.everybody(), world.answer(world.ask()).id)[1])
    browsers = {handle: [browser_of(handle) for _ in range(6)] for handle in handles}

    def change(number: int) -> int:
        handle = handles[number % 5]
        undo = "/undo" if number // 5 % 2 else ""
        return int(browsers[handle][number // 5].post(f"/posts/{post_id}/vote{undo}").status_code)

    assert set(at_once(change, 30)) == {303}
    with app.app_context():
        votes = db.session.scalar(select(func.count()).select_from(Vote))
        assert db.session.get_one(Post, post_id).helpful_count == votes


def test_a_question_sent_ten_times_at_once_is_asked_once(app: Flask, stage: Stage, browser_of: BrowserOf) -> None:
    stage(lambda world: (world.alice, world.router)[0].id)
    browsers = [browser_of("alice") for _ in range(10)]
    form = {
        "title": "Wireless gone after the update",
        "source": "Since this morning there is none. What now?",
        "category": "router",
        "locale": "en",
        "tags": "wifi, brand-new-tag",
        "once": "0123456789abcdef",
    }
    told = at_once(lambda number: browsers[number].post("/topics", data=form), 10)
    assert {answer.status_code for answer in told} == {303}
    assert len({answer.headers["Location"] for answer in told}) == 1
    with app.app_context():
        assert db.session.scalar(select(func.count(Topic.id))) == 1
        assert db.session.scalar(select(func.count(Post.id))) == 1


def test_a_call_repeated_with_its_key_at_once_is_one_deed(
    app: Flask, stage: Stage, token_of: Callable[..., str]
) -> None:
    topic_id = stage(lambda world: (world.bob, world.ask().id)[1])
    headers = {"Authorization": f"Bearer {token_of('bob')}", "Idempotency-Key": "once-and-for-all"}
    body = {"body": "Restart it, then choose channel 6."}
    told = at_once(
        lambda _: app.test_client().post(f"/api/v1/topics/{topic_id}/answers", json=body, headers=headers), 10
    )
    assert {answer.status_code for answer in told} == {201}
    assert len({answer.get_data() for answer in told}) == 1
    with app.app_context():
        assert db.session.scalar(select(func.count(Post.id)).where(Post.kind == "answer")) == 1
        assert db.session.get_one(Topic, topic_id).answer_count == 1


def test_answers_at_once_are_all_counted(app: Flask, stage: Stage, token_of: Callable[..., str]) -> None:
    topic_id = stage(lambda world: (world.bob, world.ask().id)[1])
    headers = {"Authorization": f"Bearer {token_of('bob')}"}
    told = at_once(
        lambda number: app.test_client().post(
            f"/api/v1/topics/{topic_id}/answers", json={"body": f"Answer number {number} of many."}, headers=headers
        ),
        20,
    )
    assert {answer.status_code for answer in told} == {201}
    with app.app_context():
        assert db.session.get_one(Topic, topic_id).answer_count == 20


def test_of_agents_who_send_at_once_one_does_and_the_others_keep_their_text(
    app: Flask, stage: Stage, browser_of: BrowserOf
) -> None:
    def scene(world: World) -> list[tuple[int, int]]:
        world.everybody()
        for number in range(AT_ONCE):
            world.person(f"agent-{number}", "agent")
        on = desk_stage.channel(world, endpoint="https://social.example/replies")
        messages = [desk_stage.received(on, conversation=f"c-{one}", id=f"m-{one}") for one in range(5)]
        return [(message.conversation_id, message.id) for message in messages]

    conversations = stage(scene)
    browsers = [browser_of(f"agent-{number}") for number in range(AT_ONCE)]
    for conversation_id, seen in conversations:
        path = f"/desk/conversations/{conversation_id}/replies"
        told = at_once(
            lambda number, path=path, seen=seen: browsers[number].post(  # type: ignore[misc]
                path, data={"text": f"What agent {number} has to say", "seen": seen, "public": "yes"}
            ),
            AT_ONCE,
        )
        assert Counter(answer.status_code for answer in told) == {303: 1, 409: AT_ONCE - 1}
        winner = next(number for number, answer in enumerate(told) if answer.status_code == 303)
        for number, answer in enumerate(told):
            if number != winner:
                assert f"What agent {number} has to say</textarea>" in answer.text, "nobody's words are lost"
                assert f"Agent-{winner} answered meanwhile" in answer.text
        with app.app_context():
            out = select(Message.text).where(Message.conversation_id == conversation_id, Message.direction == "out")
            assert db.session.scalars(out).all() == [f"What agent {winner} has to say"]


def test_a_link_for_a_new_password_that_is_used_by_several_at_once_works_for_one(app: Flask, stage: Stage) -> None:
    token = stage(lambda world: one_time.issue(world.alice, "reset"))
    told = at_once(
        lambda number: app.test_client().post(f"/reset/{token}", data={"password": f"a long password {number}"}), 4
    )
    assert Counter(answer.status_code for answer in told) == {303: 1, 404: 3}


def test_two_who_want_the_same_handle_at_once_do_not_both_get_it(app: Flask, stage: Stage) -> None:
    def register(number: int) -> int:
        data = {
            "handle": "anna" if number % 2 else "Anna",
            "name": "Anna",
            "email": f"anna{number}@example.org",
            "password": "sieben Zwerge im Regen",
            "licence": "y",
        }
        return int(app.test_client().post("/register", data=data).status_code)

    assert Counter(at_once(register, 4)) == {303: 1, 422: 3}
    with app.app_context():
        assert people.by_handle("anna") is not None


def test_an_answer_is_accepted_while_others_answer_and_nothing_stands_still(
    app: Flask, stage: Stage, token_of: Callable[..., str]
) -> None:
    """Deeds that lock topic, post and person in different orders end, and do not wait for each other forever."""

    def scene(world: World) -> tuple[int, list[int]]:
        world.everybody()
        topic = world.ask()
        return topic.id, [world.answer(topic, f"Answer number {number}.").id for number in range(4)]

    topic_id, post_ids = stage(scene)
    tokens = {handle: {"Authorization": f"Bearer {token_of(handle)}"} for handle in ("alice", "bob", "ada")}

    def deed(number: int) -> int:
        client, post_id = app.test_client(), post_ids[number % 4]
        calls: tuple[Callable[[], Any], ...] = (
            lambda: client.post(f"/api/v1/posts/{post_id}/acceptance", headers=tokens["alice"]),
            lambda: client.post(
                f"/api/v1/topics/{topic_id}/answers", json={"body": f"Another one, {number}."}, headers=tokens["bob"]
            ),
            lambda: client.post(
                f"/api/v1/posts/{post_id}/comments", json={"body": f"And another, {number}."}, headers=tokens["bob"]
            ),
            lambda: client.post(f"/api/v1/posts/{post_id}/muting", json={"reason": "off topic"}, headers=tokens["ada"]),
            lambda: client.delete(f"/api/v1/posts/{post_id}/muting", headers=tokens["ada"]),
        )
        return int(calls[number % 5]().status_code)

    told = Counter(at_once(deed, 40))
    assert all(status < 500 for status in told), told
    with app.app_context():
        topic = db.session.get_one(Topic, topic_id)
        from forum import counters

        assert list(counters.complaints()) == []
        assert topic.acceptance is None or not topic.acceptance.post.is_muted
        assert answers is not None


def test_of_two_admins_who_dismiss_each_other_at_once_one_stays(
    app: Flask, stage: Stage, browser_of: BrowserOf
) -> None:
    def scene(world: World) -> dict[str, int]:
        return {handle: world.person(handle, "admin").id for handle in ("root", "toor")}

    for _ in range(4):
        ids = stage(scene)
        browsers = {"root": browser_of("root"), "toor": browser_of("toor")}
        pairs = (("root", "toor"), ("toor", "root"))

        def dismiss(
            number: int,
            pairs: tuple[tuple[str, str], ...] = pairs,
            ids: dict[str, int] = ids,
            browsers: dict[str, Browser] = browsers,
        ) -> int:
            by, whom = pairs[number]
            data = {"roles": ["member"], "reason": "no longer with us"}
            return int(browsers[by].post(f"/admin/people/{ids[whom]}", data=data).status_code)

        told = at_once(dismiss, 2)
        with app.app_context():
            left = [user for handle in ids if (user := people.by_handle(handle)) is not None and user.has_role("admin")]
            assert len(left) == 1, told
            missing = [handle for handle in ids if handle != left[0].handle]
        stage(lambda world, missing=missing: promote(world, missing[0]))


def promote(world: World, handle: str) -> None:
    people.set_roles(world.person(handle), ["member", "admin"], by=next(
        user for name in ("root", "toor") if (user := world.person(name)).has_role("admin")
    ))  # fmt: skip


def test_a_post_muted_by_several_at_once_is_muted_once(app: Flask, stage: Stage, token_of: Callable[..., str]) -> None:
    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        topic = world.ask()
        return topic.id, world.answer(topic).id

    topic_id, post_id = stage(scene)
    headers = {"Authorization": f"Bearer {token_of('ada')}"}
    for path in (f"/api/v1/posts/{post_id}/muting", f"/api/v1/topics/{topic_id}/muting"):
        told = at_once(lambda _, path=path: app.test_client().post(path, json={"reason": "spam"}, headers=headers), 6)
        assert {answer.status_code for answer in told} <= {201, 409}, path
        told = at_once(lambda _, path=path: app.test_client().delete(path, headers=headers), 6)
        assert {answer.status_code for answer in told} <= {204, 404, 409}, path
    with app.app_context():
        assert db.session.scalar(select(func.count(Muting.id))) == 0


def test_an_answer_becomes_one_article_and_is_published_once(
    app: Flask, stage: Stage, token_of: Callable[..., str]
) -> None:
    post_id = stage(lambda world: (world.everybody(), world.answer(world.ask()).id)[1])
    headers = {"Authorization": f"Bearer {token_of('emil')}"}
    told = at_once(lambda _: app.test_client().post(f"/api/v1/posts/{post_id}/article", headers=headers), 6)
    assert Counter(answer.status_code for answer in told) == {201: 1, 409: 5}
    (article_id,) = {answer.json["id"] for answer in told if answer.status_code == 201 and answer.json}
    path = f"/api/v1/articles/{article_id}/publication"
    told = at_once(lambda _: app.test_client().post(path, headers=headers), 6)
    assert {answer.status_code for answer in told} == {201}
    with app.app_context():
        assert db.session.scalar(select(func.count(Article.id))) == 1
        published = select(func.count(Delivery.id)).where(Delivery.event == "ArticlePublished")
        listeners = db.session.scalar(select(func.count(func.distinct(Delivery.listener))).where(
            Delivery.event == "ArticlePublished"
        ))  # fmt: skip
        assert db.session.scalar(published) == listeners


def test_of_several_replies_to_the_same_message_one_leaves(
    app: Flask, stage: Stage, token_of: Callable[..., str]
) -> None:
    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        message = desk_stage.received(desk_stage.channel(world, endpoint="https://social.example/replies"))
        return message.conversation_id, message.id

    conversation_id, seen = stage(scene)
    headers = [{"Authorization": f"Bearer {token_of(handle)}"} for handle in ("dora", "root")]
    told = at_once(
        lambda number: app.test_client().post(
            f"/api/v1/conversations/{conversation_id}/replies",
            json={"text": f"Reply number {number}.", "seen": seen},
            headers=headers[number % 2],
        ),
        8,
    )
    assert Counter(answer.status_code for answer in told) == {201: 1, 409: 7}


def test_a_new_tag_used_by_several_questions_at_once_is_one_tag(
    app: Flask, stage: Stage, token_of: Callable[..., str]
) -> None:
    stage(lambda world: (world.alice, world.router)[0].id)
    headers = {"Authorization": f"Bearer {token_of('alice')}"}

    def ask(number: int) -> int:
        tags = ["brand-new", "quite-new"][:: 1 if number % 2 else -1]
        body = {"category": "router", "title": f"Question number {number}", "locale": "en", "tags": tags}
        body["body"] = "Since this morning there is none. What now?"
        return int(app.test_client().post("/api/v1/topics", json=body, headers=headers).status_code)

    assert set(at_once(ask, 12)) <= {201, 503}
    with app.app_context():
        assert db.session.scalar(select(func.count(Tag.id))) == 2
