"""Watched words: found whatever case they are in, refused, held, replaced or linked, and always quickly."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from accounts import people
from core.db import db
from core.errors import Invalid, NotAllowed, NotFound
from forum import answers, closing, experiences, holding, moderation, posts, words
from forum.models import ReviewCase, WatchedWord
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]


def watch(world: World, said: str, deed: str, into: str = "") -> None:
    words.watch(said, deed=deed, into=into, by=world.root)


@pytest.mark.parametrize(
    ("rule", "text", "found"),
    [
        ("casino", "Come to our CASINO today", ["CASINO"]),
        ("casino", "Our casinos are fine", []),
        ("casino*", "Our casinos are fine", ["casinos"]),
        ("*casino", "An onlinecasino", ["onlinecasino"]),
        ("v*gra", "Vi4gra, V1agra and vgra", ["Vi4gra", "V1agra", "vgra"]),
        ("a*b*c", "aXbXc axxc abc", ["aXbXc", "abc"]),
        ("cheap pills", "Cheap\n  PILLS here; cheap good pills", ["Cheap\n  PILLS"]),
        ("t.me", "write to t.me/somebody", ["t.me"]),
        ("straße", "In der STRASSE", ["STRASSE"]),
        ("casino", "ca\u200bsi\u00adno", ["casino"]),
        ("ca*", "c a", []),
    ],
)
def test_what_is_found(world: World, rule: str, text: str, found: list[str]) -> None:
    watch(world, rule, "block")
    assert list(words.judge(text).blocked) == found


@pytest.mark.parametrize("rule", ["", "  ", "*", "a*", "!!", "x" * 81, "one two three four five six seven"])
def test_what_cannot_be_a_rule(world: World, rule: str) -> None:
    with pytest.raises(Invalid) as caught:
        watch(world, rule, "block")
    assert list(caught.value.fields) == ["words"]


@pytest.mark.parametrize(
    "into", ["", "javascript:alert(1)", "//evil.example", "http://x.example", "https://", "/a b", "/x)y"]
)
def test_a_link_needs_an_address(world: World, into: str) -> None:
    with pytest.raises(Invalid) as caught:
        watch(world, "handbook", "link", into)
    assert list(caught.value.fields) == ["into"]


def test_only_admins_watch_words_and_each_once(world: World) -> None:
    for person in (world.alice, world.tina, world.ada, world.emil):
        with pytest.raises(NotAllowed):
            words.watch("casino", deed="block", by=person)
    watch(world, "Casino", "block")
    with pytest.raises(Invalid):
        watch(world, "casino", "hold")
    word_id = db.session.query(WatchedWord).one().id
    with pytest.raises(NotAllowed):
        words.forget(word_id, by=world.ada)
    words.forget(word_id, by=world.root)
    with pytest.raises(NotFound):
        words.forget(word_id, by=world.root)


def test_refused_words_are_named_at_their_field(world: World) -> None:
    watch(world, "casino", "block")
    with pytest.raises(Invalid) as caught:
        world.ask(title="A casino in my router", source="There is a Casino in my router, what now?")
    assert set(caught.value.fields) == {"title", "source"}
    assert "“Casino”" in caught.value.fields["source"]
    answer = world.answer(world.ask())
    with pytest.raises(Invalid):
        posts.edit(answer, source="Go to the casino instead.", by=world.bob, version=1)
    with pytest.raises(Invalid):
        answers.comment(answer, source="A casino, really.", by=world.bob)
    world.answer(world.ask(), "The team may say casino.", by=world.ada)


def test_held_words_wait_for_the_team(world: World) -> None:
    watch(world, "telegram", "hold")
    topic = world.ask(title="Telegram does not open")
    assert topic.muting is not None
    assert topic.muting.cause == "words"
    assert world.answer(world.ask(), "Write me on Telegram.").is_muted
    assert not world.answer(world.ask(), "Trusted people say Telegram.", by=world.tina).is_muted
    assert db.session.query(ReviewCase).filter_by(kind="held").count() == 2


def test_a_held_word_put_in_afterwards_takes_the_post_back(world: World) -> None:
    watch(world, "telegram", "hold")
    topic = world.ask()
    answer = world.answer(topic)
    posts.edit(answer, source="Write me on Telegram.", by=world.bob, version=1)
    assert answer.is_muted
    db.session.refresh(topic)
    assert topic.answer_count == 0
    moderation.unmute(answer, by=world.ada)
    db.session.refresh(topic)
    assert topic.answer_count == 1


@pytest.mark.parametrize(
    ("source", "after"),
    [
        ("Damn, it is off. DAMN it.", "Oh dear, it is off. Oh dear it."),
        ("See the handbook please.", "See the [handbook](/kb) please."),
        ("The `handbook` and [handbook](/x) and https://a.example/handbook", None),
        ("```\ndamn handbook\n```\nafter: damn", "```\ndamn handbook\n```\nafter: Oh dear"),
        ("    damn in code", None),
    ],
)
def test_replacing_and_linking_leave_code_and_addresses_alone(world: World, source: str, after: str | None) -> None:
    watch(world, "damn", "replace", "Oh dear")
    watch(world, "handbook", "link", "/kb")
    judged = words.judge(source)
    assert judged.text == (after or source)
    assert words.judge(judged.text).text == judged.text, "twice is once"


def test_a_title_takes_no_links(world: World) -> None:
    watch(world, "handbook", "link", "/kb")
    watch(world, "damn", "replace", "poor")
    topic = world.ask(title="The damn handbook is missing")
    assert topic.title == "The poor handbook is missing"
    assert topic.slug == "the-poor-handbook-is-missing"


def test_names_take_no_watched_words(world: World) -> None:
    watch(world, "casino*", "hold")
    watch(world, "handbook", "link", "/kb")
    about = {"email": "x@example.org", "password": "a long way to the sea", "locale": "en"}
    for handle, name in (("casino_royal", "Roy"), ("roy", "Casino Royal")):
        with pytest.raises(Invalid) as caught:
            people.register(handle=handle, name=name, **about)
        assert len(caught.value.fields) == 1
    with pytest.raises(Invalid):
        people.change_profile(world.alice, name="Best casinos", about="", locale=None, theme="auto")
    people.register(handle="handbook", name="Handbook", **about)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 32_000,
        "ab" * 16_000,
        "a " * 16_000,
        "[" * 32_000,
        "`" * 31_999,
        "[a](" * 8_000,
        "<" * 32_000,
        "* " * 16_000,
    ],
)
def test_no_text_takes_long(world: World, text: str) -> None:
    for number in range(100):
        db.session.add(WatchedWord(words=f"a*a*a*a*a*a*{number}b", deed="hold", into=""))
        db.session.add(WatchedWord(words=f"*ab*ab*{number}x", deed="replace", into="y"))
    db.session.flush()
    began = time.perf_counter()
    words.judge(text)
    assert time.perf_counter() - began < 2


def test_a_text_that_replacing_makes_too_long_is_refused(world: World) -> None:
    watch(world, "aa", "replace", "b" * 300)
    answer = world.answer(world.ask())
    for deed in (
        lambda: world.answer(answer.topic, "aa " * 500),
        lambda: world.ask(source="aa " * 500),
        lambda: world.ask(title="A title with aa in it"),
        lambda: posts.edit(answer, source="aa " * 500, by=world.bob, version=1),
    ):
        with pytest.raises(Invalid) as caught:
            deed()
        assert set(caught.value.fields) <= {"source", "title"}
        assert caught.value.fields
    assert holding.look_at(source="aa", by=world.bob).source == "b" * 300


def test_an_admin_keeps_them_by_hand_and_tries_them(stage: Stage, browser_of: BrowserOf) -> None:
    stage(lambda world: world.everybody() and None)
    root = browser_of("root")
    assert browser_of("ada").get("/admin/words").status_code == 403
    assert "No word is watched yet." in root.get("/admin/words").text
    refused = root.post("/admin/words", data={"words": "handbook", "deed": "link", "into": "nowhere"})
    assert refused.status_code == 422
    assert 'value="nowhere"' in refused.text
    for said, deed in (("casino", "block"), ("telegram", "hold"), ("damn", "replace")):
        assert root.post("/admin/words", data={"words": said, "deed": deed, "into": "dear"}).status_code == 303
    page = root.get("/admin/words", query_string={"trial": "Damn, a Casino on Telegram"}).text
    assert "Casino" in page
    assert "dear, a Casino on Telegram" in page
    assert "Nothing happens with this text." in root.get("/admin/words?trial=fine").text
    assert "Watched words" in root.get("/admin").text
    word_id = stage(lambda _: db.session.query(WatchedWord).filter_by(words="casino").one().id)
    assert root.post(f"/admin/words/{word_id}/remove").status_code == 303
    assert root.post(f"/admin/words/{word_id}/remove").status_code == 404


def test_short_words_in_public_follow_the_rules_too(world: World) -> None:
    watch(world, "pear", "block")
    watch(world, "quince", "hold")
    watch(world, "router", "replace", "modem")
    topic = world.solved()
    answer = topic.acceptance.post if topic.acceptance else world.answer(topic)
    for word in ("pear", "quince"):
        for field, said in (("words", {"words": f"A {word} fell into it."}), ("version", {"version": f"{word} 7"})):
            with pytest.raises(Invalid) as caught:
                experiences.tell(answer, has_worked=False, by=world.charlie, **{"words": "It beeps.", **said})
            assert list(caught.value.fields) == [field]
            assert word in caught.value.fields[field]
        with pytest.raises(Invalid) as caught:
            posts.edit(answer, source="Restart it twice.", reason=f"No {word}", by=world.bob, version=answer.version)
        assert list(caught.value.fields) == ["reason"]
        with pytest.raises(Invalid) as caught:
            world.ask("Where does it come from?", tags=(f"{word}-tree",))
        assert word in caught.value.fields["tags"]
        with pytest.raises(Invalid) as caught:
            people.change_profile(world.alice, name="Alice", about=f"I love a {word}.", locale=None, theme="auto")
        assert list(caught.value.fields) == ["about"]
    told = experiences.tell(answer, has_worked=False, words="The Router beeps.", by=world.charlie)
    assert told.words == "The modem beeps."
    assert experiences.tell(answer, has_worked=False, words="My quince is stuck.", by=world.tina).words
    with pytest.raises(Invalid):
        experiences.tell(answer, has_worked=False, words="My pear is stuck.", by=world.tina)
    assert closing.close(topic, by=world.ada, reason="A pear in the router.").reason == "A pear in the modem."


def test_a_tag_that_was_there_before_its_word_was_watched_may_still_be_given(world: World) -> None:
    world.ask(tags=("pear",))
    watch(world, "pear", "block")
    assert world.ask("And where is it now?", tags=("pear",)).tag_names == ["pear"]
    assert world.ask("The team may do so", tags=("new-pear",), by=world.ada).tag_names == ["new-pear"]


def test_where_several_may_solve_it_a_label_follows_the_rules(world: World) -> None:
    watch(world, "pear", "block")
    world.router.accepts_several = True
    topic = world.ask()
    with pytest.raises(Invalid) as caught:
        answers.accept(world.answer(topic), by=world.alice, label="pear 7")
    assert list(caught.value.fields) == ["label"]
