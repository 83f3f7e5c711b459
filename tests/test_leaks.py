"""What is muted leaves no trace: a walk over every address and API call, as guest and as stranger.

Three looks at every route of the application, so a new one is covered without anyone remembering:

1. Pages about visible things are byte for byte what they were before the muted thread was ever written: no list, count,
   feed, search hit or suggestion differs, before the worker hears of the muting and after.
2. An address that names a muted thing answers exactly like one that names nothing, for every method.
3. None of the muted words is in any answer.

A route with a path value that nobody told this test about fails it: then add the name to `VALUES`.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest
import time_machine
from flask import Flask
from werkzeug.routing import Rule

from core.db import db
from forum import (
    aging,
    answers,
    arranging,
    closing,
    experiences,
    fields,
    follows,
    images,
    merging,
    moderation,
    notes,
    suggested_edits,
    votes,
)
from kb.models import Section
from tests.cast import World
from tests.conftest import RAW_CSRF, Browser
from tests.forum.test_images import picture, shown

pytestmark = pytest.mark.timeout(400)
"""Every address is asked for several times by several people."""

EARLIER = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

SECRET_WORDS = (
    "Zauberlaterne",
    "Quittenmus",
    "Nebelhorn",
    "Pfifferling",
    "Wackersdorf",
    "Bernstein",
    "Eichelhäher",
    "Haselnuss",
)
"""Words that stand only in the muted thread: title, question, answer, comment, tag, experience, note of the team,
why an answer is obsolete."""
ABOVE_A_NOTE = "Krähennest"
"""Stands only in a note of the team beside a topic that everybody sees."""
REFUSED_TEXT = "Klabautermann"
"""Stands only in a change that somebody suggests to what everybody sees."""
PROBE = "Zauberlaterne Quittenmus router"
NOBODY = 987654321
UNFIT = {"static", "forum.preview", "readyz"}
"""Endpoints that show nothing anybody wrote."""

ASKED_FURTHER: dict[str, tuple[dict[str, str], ...]] = {
    "forum.show_person": ({"show": "answers"}, {"show": "articles"}),
    "forum.leaders": ({"period": "all"},),
}
"""Pages that show something else for other values."""
TAKES_AN_ID = {"forum.count_solved_by_suggestion": {"POST"}, "forum.choose_following": {"POST"}}
"""Forms that name a thing by a value."""

PARTICIPANTS = {"bob": "Nebelhorn", "tina": "Pfifferling"}
"""Who wrote in the muted thread, and which of the secret words they wrote."""
WRITTEN_ALONE_BY = {"Pfifferling": ("Nebelhorn", "Bernstein")}

RANDOM_VALUE = re.compile(
    r'(name="(?:once|csrf_token)"[^>]*value=|value=)"[\w.\-~=]{16,}"|"[\w\-]{20,}\.[\w\-]{6}\.[\w\-]{20,}"'
)


@dataclass(frozen=True, slots=True)
class Values:
    """What a path value can be: of things everybody sees, of things that are muted, and of nothing at all."""

    visible: tuple[Any, ...]
    muted: tuple[Any, ...] = ()
    nothing: Any = NOBODY


@dataclass(slots=True)
class Scene:
    topic_id: int = 0
    question_id: int = 0
    answer_id: int = 0
    muted_topic_id: int = 0
    merged_topic_id: int = 0
    """Of a topic that is no more, and leads to the muted one."""
    muted_question_id: int = 0
    muted_answer_id: int = 0
    muted_comment_id: int = 0
    muted_answer_alone_id: int = 0
    muted_suggestion_id: int = 0
    below_alone_id: int = 0
    """Of what Bob commented on that answer."""
    experience_id: int = 0
    muted_experience_id: int = 0
    picture: str = ""
    muted_pictures: tuple[str, ...] = ()

    def values(self) -> dict[str, Values]:
        return {
            "topic_id": Values((self.topic_id,), (self.muted_topic_id,)),
            "post_id": Values(
                (self.question_id, self.answer_id),
                (self.muted_question_id, self.muted_answer_id, self.muted_comment_id, self.muted_answer_alone_id)
                + ((self.below_alone_id,) if self.below_alone_id else ()),
            ),
            "experience_id": Values((self.experience_id,), (self.muted_experience_id,)),
            "suggestion_id": Values((NOBODY,), (self.muted_suggestion_id,) if self.muted_suggestion_id else ()),
            "objection_id": Values((NOBODY,)),
            "locale": Values(("de",), nothing="xx"),
            "slug": Values(("router", "wlan", "wireless-gone-after-the-update"), nothing="no-such-thing"),
            "handle": Values(("alice", "bob"), nothing="nobody-at-all"),
            "name": Values(("none",)),
            "tag": Values(("wifi",), ("wackersdorf",), nothing="nothing"),
            "article_id": Values((NOBODY,)),
            "nomination_id": Values((NOBODY,)),
            "task_id": Values((NOBODY,)),
            "rule_id": Values((NOBODY,)),
            "version_id": Values((NOBODY,)),
            "link_id": Values((NOBODY,)),
            "recall_id": Values((NOBODY,)),
            "use_id": Values((NOBODY,)),
            "ticket": Values((f"1-{'a' * 20}",)),
            "sealed": Values((f"1-{'a' * 20}",)),
            "talk_id": Values((NOBODY,)),
            "note_id": Values((NOBODY,)),
            "card_id": Values((NOBODY,)),
            "hook_id": Values((NOBODY,)),
            "delivery_id": Values((NOBODY,)),
            "conversation_id": Values((NOBODY,)),
            "message_id": Values((NOBODY,)),
            "promise_id": Values((NOBODY,)),
            "call_id": Values((NOBODY,)),
            "call_note_id": Values((NOBODY,)),
            "stored_id": Values((NOBODY,)),
            "contact_id": Values((NOBODY,)),
            "absence_id": Values((NOBODY,)),
            "approval_rule_id": Values((NOBODY,)),
            "calendar_id": Values((NOBODY,)),
            "goodwill_id": Values((NOBODY,)),
            "held_id": Values((NOBODY,)),
            "policy_id": Values((NOBODY,)),
            "step_id": Values((NOBODY,)),
            "team_id": Values((NOBODY,)),
            "join_id": Values((NOBODY,)),
            "mark_id": Values((NOBODY,)),
            "source_id": Values((NOBODY,)),
            "counter_id": Values((NOBODY,)),
            "document_id": Values((NOBODY,)),
            "file_id": Values((NOBODY,)),
            "draft_id": Values((NOBODY,)),
            "channel_id": Values((NOBODY,)),
            "kind": Values(("webhook", "mastodon"), nothing="none"),
            "channel": Values(("none",)),
            "user_id": Values((NOBODY,)),
            "sheet_id": Values((NOBODY,)),
            "check_id": Values((NOBODY,)),
            "review_id": Values((NOBODY,)),
            "criterion_id": Values((NOBODY,)),
            "deed_id": Values((NOBODY,)),
            "view_id": Values((NOBODY,)),
            "item_id": Values((NOBODY,)),
            "day": Values(("2026-01-05",), nothing="never"),
            "sign_in_id": Values((NOBODY,)),
            "synonym_id": Values((NOBODY,)),
            "block_id": Values((NOBODY,)),
            "incident_id": Values((NOBODY,)),
            "case_id": Values((NOBODY,)),
            "word_id": Values((NOBODY,)),
            "finding_id": Values((NOBODY,)),
            "reply_id": Values((NOBODY,)),
            "penalty_key": Values(("x" * 43,)),
            "token_id": Values((NOBODY,)),
            "token": Values(("x" * 43,)),
            "number": Values((1,)),
            "key": Values(
                ("ask", f"answer:{self.topic_id}"), (f"answer:{self.muted_topic_id}",), nothing=f"answer:{NOBODY}"
            ),
            "part": Values(("forum", "topics-1", "kb", "articles-1"), nothing="topics-9"),
            "figure": Values(("helped", "read")),
            "ref": Values((f"topic-{self.topic_id}",), (f"topic-{self.muted_topic_id}",), nothing=f"topic-{NOBODY}"),
            "field": Values(("device",), nothing="no_such_field"),
            "picture": Values((self.picture,), self.muted_pictures, nothing=f"{'0' * 32}-4x3.png"),
            "_rest": Values(("nothing",)),
            "filename": Values(("css/klinke.css",)),
        }


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(EARLIER, tick=False) as traveller:
        yield traveller


@pytest.mark.parametrize("way", ["muted", "hidden by flags"])
def test_a_muted_thread_leaves_no_trace(
    way: str,
    app: Flask,
    stage: Callable[[Callable[[World], Any]], Any],
    worker: Callable[[], None],
    browser_of: Callable[[str], Browser],
    clock: time_machine.Traveller,
) -> None:
    scene = Scene()
    stage(lambda world: visible_part(world, scene))
    worker()
    clock.move_to(NOW)
    readers = {"guest": app.test_client(), "stranger": browser_of("charlie")}
    before = {who: walk(app, reader, scene) for who, reader in readers.items()}

    clock.move_to(LATER)
    stage(lambda world: part_to_be_muted(world, scene))
    worker()
    clock.move_to(NOW)
    shown = [page for page, text in walk(app, readers["guest"], scene).items() if traces(text)]
    assert len(shown) >= 8, f"before it is muted the walk must find it in many places, not only in {shown}"

    stage(lambda world: mute(world, scene) if way == "muted" else hide(scene))
    for moment in ("before the worker hears of it", "after the worker heard of it"):
        for who, reader in readers.items():
            after = walk(app, reader, scene)
            assert after.keys() == before[who].keys()
            differing = {
                page: difference(before[who][page], after[page]) for page in after if after[page] != before[who][page]
            }
            assert differing == {}, f"{who}, {moment}"
            assert like_nothing(app, reader, scene) > 20
            for place in ("/t/{}", "/t/{}-x", "/t/{}/related", "/api/v1/topics/{}"):
                merged, nothing = (
                    re.sub(rf"(?<!\w){number}(?!\w)", "…", look(reader, "GET", place.format(number), {}))
                    for number in (scene.merged_topic_id, NOBODY)
                )
                assert merged == nothing, f"{place}: what was merged into a muted thread"
            assert [page for page, text in after.items() if ABOVE_A_NOTE in text or REFUSED_TEXT in text] == []
        for handle, own in PARTICIPANTS.items():
            keeps_own_words_only(app, browser_of(handle), scene, own)
        beside = look(browser_of("bob"), "GET", f"/t/{scene.topic_id}-wireless-gone-after-the-update", {})
        assert "Das Nebelhorn passt in keinen router." in beside, "who commented on a muted answer keeps the own words"
        assert "Pfifferling" not in beside
        worker()

    assert ABOVE_A_NOTE in browser_of("dora").get(f"/t/{scene.topic_id}-x", follow_redirects=True).text
    for handle in ("alice", "ada"):
        page = browser_of(handle).get(f"/t/{scene.muted_topic_id}-x", follow_redirects=True)
        assert page.status_code == 200
        assert "Zauberlaterne" in page.text, f"{handle} still sees it"
        assert ("off topic" if way == "muted" else "queue" if handle == "ada" else "reported") in page.text, (
            "with the reason"
        )


def test_a_held_thread_leaves_no_trace(
    app: Flask,
    stage: Callable[[Callable[[World], Any]], Any],
    worker: Callable[[], None],
    browser_of: Callable[[str], Browser],
    clock: time_machine.Traveller,
) -> None:
    scene = Scene()
    stage(lambda world: visible_part(world, scene))
    worker()
    clock.move_to(NOW)
    readers = {"guest": app.test_client(), "stranger": browser_of("charlie")}
    before = {who: walk(app, reader, scene) for who, reader in readers.items()}
    clock.move_to(LATER)
    stage(lambda world: part_to_be_held(world, scene))
    for _moment in ("before the worker hears of it", "after the worker heard of it"):
        clock.move_to(NOW)
        for who, reader in readers.items():
            after = walk(app, reader, scene)
            differing = {
                page: difference(before[who][page], after[page]) for page in after if after[page] != before[who][page]
            }
            assert differing == {}, who
            assert like_nothing(app, reader, scene) > 20
        worker()
    for handle in ("nora", "ada"):
        assert "Zauberlaterne" in browser_of(handle).get(f"/t/{scene.muted_topic_id}-x", follow_redirects=True).text


def keeps_own_words_only(app: Flask, reader: Any, scene: Scene, own: str) -> None:
    """Check that who wrote in the muted thread finds a stub with their own words, and nothing of the others."""
    others = [word for word in SECRET_WORDS if word != own]
    stub = look(reader, "GET", f"/t/{scene.muted_topic_id}", {})
    assert own in stub
    assert stub.startswith("200")
    pages = {"stub": stub, **walk(app, reader, scene)}
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.endpoint not in UNFIT:
            pages |= {path: look(reader, "GET", path, {}) for path in paths(app, rule, scene, "muted")}
    told = {page: traces(without_names(text, scene)) for page, text in pages.items()}
    telling = {page: word for page, words in told.items() for word in words if word in others}
    # One's own answer may stand alone and muted in a thread that everybody sees.
    assert {page: word for page, word in telling.items() if word not in WRITTEN_ALONE_BY.get(own, ())} == {}


def visible_part(world: World, scene: Scene) -> None:
    world.everybody()
    db.session.add(Section(slug="wlan", names={"de": "WLAN", "en": "Wireless"}))
    image = images.keep(picture(0), by=world.alice)
    for name, kind in (("Device", "line"), ("Version", "version")):
        fields.add(world.router, names={"de": name, "en": name}, hints={}, kind=kind, required=False, by=world.root)
    topic = world.ask(source=f"The router blinks red since the update. What now? {shown(image)}")
    answer = world.answer(topic)
    answers.comment(answer, source="Channel 6 helped here as well.", by=world.tina)
    answers.accept(answer, by=world.alice)
    suggested_edits.suggest(
        answer, source=f"Restart the {REFUSED_TEXT} first.", reason="clearer", version=1, by=world.tina
    )
    tried = experiences.tell(answer, has_worked=False, version="7.1", words="It stays red.", by=world.tina)
    scene.experience_id = tried.id
    notes.write(topic, text=f"Belongs to the {ABOVE_A_NOTE}.", by=world.dora)
    world.ask("How do I reset the router?", "I forgot the password of my router.", by=world.tina)
    scene.topic_id, scene.answer_id = topic.id, answer.id
    scene.question_id = topic.posts[0].id
    scene.picture = image.name


def part_to_be_muted(world: World, scene: Scene) -> None:
    of_question, of_answer = images.keep(picture(1), by=world.alice), images.keep(picture(2), by=world.tina)
    topic = world.ask(
        "Zauberlaterne am router verloren",
        f"Mein Quittenmus ist in den router gefallen. {shown(of_question, 'Wackersdorf')}",
        locale="de",
        tags=("wifi", "wackersdorf"),
        details={"device": "Nebelhorn", "version": "Pfifferling"},
    )
    answer = world.answer(topic, "Das Nebelhorn am router hilft immer.")
    comment = answers.comment(answer, source="Pfifferling im router!", by=world.tina)
    follows.follow(topic, by=world.charlie)
    votes.vote(answer, by=world.charlie)
    answers.accept(answer, by=world.alice)
    tried = experiences.tell(answer, has_worked=False, words="Nur Bernstein hilft.", by=world.tina)
    notes.write(topic, text="Eichelhäher gesichtet.", by=world.dora)
    aging.declare(answer, reason="Die Haselnuss ist reif.", by=world.dora)
    scene.muted_experience_id = tried.id
    better = suggested_edits.suggest(
        answer, source="Das Bernstein-Nebelhorn.", reason="Wackersdorf", version=1, by=world.tina
    )
    scene.muted_suggestion_id = better.id
    alone = world.answer(
        db.session.get_one(type(topic), scene.topic_id),
        f"Nebelhorn und Pfifferling in den router. {shown(of_answer)}",
        by=world.tina,
    )
    merged = world.ask("Quittenmus im router gefunden", "Ein Nebelhorn lag auch darin.", locale="de", by=world.tina)
    scene.merged_topic_id = merged.id
    merging.merge(merged, into=topic, by=world.ada, knowing=True)
    arranging.pin(topic, by=world.ada)
    closing.close(topic, by=world.ada, reason="Nebelhorn")
    scene.muted_pictures = of_question.name, of_answer.name
    scene.muted_topic_id, scene.muted_answer_id, scene.muted_comment_id = topic.id, answer.id, comment.id
    scene.muted_question_id = topic.posts[0].id
    scene.muted_answer_alone_id = alone.id
    scene.below_alone_id = answers.comment(alone, source="Das Nebelhorn passt in keinen router.", by=world.bob).id


def mute(world: World, scene: Scene) -> None:
    from forum.models import Post, Topic

    moderation.mute(db.session.get_one(Topic, scene.muted_topic_id), by=world.ada, reason="off topic")
    moderation.mute(db.session.get_one(Post, scene.muted_answer_alone_id), by=world.ada, reason="off topic")


def hide(scene: Scene) -> None:
    from forum.models import Post

    moderation.hide(db.session.get_one(Post, scene.muted_question_id), cause="flags")
    moderation.hide(db.session.get_one(Post, scene.muted_answer_alone_id), cause="flags")


def part_to_be_held(world: World, scene: Scene) -> None:
    """The same, by somebody whose account is new; nobody else can have written below it."""
    nora = world.newcomer()
    topic = world.ask(
        "Zauberlaterne am router verloren",
        "Mein Quittenmus ist in den router gefallen.",
        locale="de",
        tags=("wifi", "wackersdorf"),
        by=nora,
    )
    answer = world.answer(topic, "Das Nebelhorn am router hilft immer.", by=world.ada)
    comment = answers.comment(answer, source="Pfifferling im router!", by=world.ada)
    alone = world.answer(
        db.session.get_one(type(topic), scene.topic_id), "Nebelhorn und Pfifferling in den router.", by=nora
    )
    scene.muted_topic_id, scene.muted_answer_id, scene.muted_comment_id = topic.id, answer.id, comment.id
    scene.muted_question_id = topic.posts[0].id
    scene.muted_answer_alone_id = alone.id


def walk(app: Flask, reader: Any, scene: Scene) -> dict[str, str]:
    """Return what every GET address about visible things answers, made comparable."""
    answers_by_page = {}
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint in UNFIT:
            continue
        for path in paths(app, rule, scene, "visible"):
            probe = {"q": PROBE, "title": PROBE, "body": PROBE, "limit": "50"}
            for query in ({}, probe, *ASKED_FURTHER.get(rule.endpoint, ())):
                answers_by_page[f"{path} {sorted(query.items())}"] = look(reader, "GET", path, query)
    return answers_by_page


def like_nothing(app: Flask, reader: Any, scene: Scene) -> int:
    """Check that whatever names a muted thing answers as if there were nothing; return how many were tried."""
    tried = 0
    for rule in app.url_map.iter_rules():
        if rule.endpoint in UNFIT:
            continue
        hidden, nothing = (list(paths(app, rule, scene, which)) for which in ("muted", "nothing"))
        for path, method in itertools.product(hidden, sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})):
            answer = look(reader, method, path, {})
            expected = [look(reader, method, other, {}) for other in nothing]
            assert without_names(answer, scene) in [without_names(one, scene) for one in expected], f"{method} {path}"
            assert not traces(without_names(answer, scene)), f"{method} {path}"
            tried += 1
        if rule.arguments:
            continue
        # An id may come as a value, too. Other forms without an id in their path are about oneself, as signing out.
        for method in sorted((rule.methods or set()) & ({"GET"} | TAKES_AN_ID.get(rule.endpoint, set()))):
            hidden, nothing = (
                look(reader, method, rule.rule, {"kind": "topic", "id": str(number), "topic_id": str(number)})
                for number in (scene.muted_topic_id, NOBODY)
            )
            assert without_names(hidden, scene) == without_names(nothing, scene), f"{method} {rule.rule}"
            tried += 1
    return tried


def paths(app: Flask, rule: Rule, scene: Scene, which: str) -> Iterator[str]:
    """Yield the rule's addresses: of visible things, of muted ones, or of nothing."""
    values = scene.values()
    unknown = set(rule.arguments) - values.keys()
    assert not unknown, f"{rule.rule}: tell VALUES in tests/test_leaks.py what {sorted(unknown)} can be"
    names = sorted(rule.arguments)
    if which == "visible":
        choices = [values[name].visible for name in names]
    elif not any(values[name].muted for name in names):
        return
    else:
        choices = [
            (values[name].muted if which == "muted" else (values[name].nothing,))
            if values[name].muted
            else values[name].visible[:1]
            for name in names
        ]
    adapter = app.url_map.bind("localhost")
    for combination in itertools.product(*choices):
        yield adapter.build(rule.endpoint, dict(zip(names, combination, strict=True)), method=min(rule.methods or ()))


def look(reader: Any, method: str, path: str, query: dict[str, str]) -> str:
    with reader.session_transaction() as session:
        session["csrf_token"] = RAW_CSRF
        session.pop("_flashes", None)
    answer = reader.open(path, method=method, query_string=query)
    kept = {
        name: value for name, value in answer.headers if name in {"Location", "ETag", "Last-Modified", "Content-Type"}
    }
    return f"{answer.status_code} {kept}\n{RANDOM_VALUE.sub('*', answer.get_data().decode(errors='replace'))}"


def without_names(answer: str, scene: Scene) -> str:
    """Take out what was asked for, which an answer may repeat."""
    names = {str(name) for values in scene.values().values() for name in (*values.muted, values.nothing)}
    longest_first = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(rf"(?<!\w)(?:{longest_first})(?!\w)", "…", unquote(answer))


def traces(text: str) -> list[str]:
    """Return the secret words in an answer, but those that the probe itself brought along."""
    brought = {word.lower() for word in PROBE.split()}
    return [word for word in SECRET_WORDS if word.lower() in text.lower() and word.lower() not in brought]


def difference(one: str, other: str) -> list[str]:
    lines, others = one.splitlines(), other.splitlines()
    return [f"- {a}\n+ {b}" for a, b in itertools.zip_longest(lines, others) if a != b][:3]
