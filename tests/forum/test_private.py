"""Before something private is posted, its writer is shown what was found; the admins say what is not private."""

import re
from typing import Any

import pytest

from core.db import db
from core.errors import Invalid, NotAllowed
from forum import personal_data
from forum.models import PersonalRule, Post
from tests.cast import World

WARNING = "Is there something private in it?"
CALL = "Please call me at 0170 1234567, it blinks since the update of yesterday and nothing helps."


def seal_of(page: str) -> str:
    found = re.search(r'name="private" value="(\w+)"', page)
    assert found is not None
    return found[1]


def posts_with(text: str) -> int:
    return db.session.query(Post).filter(Post.source.contains(text)).count()


def test_a_question_with_a_number_is_shown_again_before_it_is_posted(stage: Any, browser_of: Any, app: Any) -> None:
    stage(lambda world: (world.everybody(), world.ask())[1].id)
    alice = browser_of("alice")
    typed = {"title": "My router blinks red", "source": CALL, "category": "router", "locale": "en", "anyway": "yes"}
    first = alice.post("/topics", data=typed)
    assert first.status_code == 422
    assert WARNING in first.text
    assert "phone number" in first.text
    assert CALL in first.text
    with app.app_context():
        assert posts_with("0170") == 0
    assert alice.post("/topics", data=typed | {"private": seal_of(first.text)}).status_code == 303
    with app.app_context():
        assert posts_with("0170") == 1


def test_an_answer_is_posted_when_its_writer_wants_it_so_and_another_number_is_asked_for_again(
    stage: Any, browser_of: Any, app: Any
) -> None:
    topic_id = stage(lambda world: (world.everybody(), world.ask().id)[1])
    bob = browser_of("bob")
    address = f"/topics/{topic_id}/answers"
    first = bob.post(address, data={"source": CALL})
    assert (first.status_code, WARNING in first.text) == (422, True)
    seal = seal_of(first.text)
    more = CALL + " Or write to bob@example.org."
    again = bob.post(address, data={"source": more, "private": seal})
    assert (again.status_code, "bob@example.org" in again.text) == (422, True)
    assert bob.post(address, data={"source": CALL, "private": seal}).status_code == 303
    with app.app_context():
        assert posts_with("0170") == 1


def test_a_comment_is_shown_again_with_all_that_was_typed(stage: Any, browser_of: Any) -> None:
    post_id = stage(lambda world: world.answer(world.ask()).id)
    alice = browser_of("alice")
    address = f"/posts/{post_id}/comments"
    first = alice.post(address, data={"source": CALL})
    assert (first.status_code, CALL in first.text) == (422, True)
    assert alice.post(address, data={"source": CALL, "private": seal_of(first.text)}).status_code == 303
    assert alice.post(address, data={"source": "Thank you, that was it."}).status_code == 303


def test_an_edit_is_asked_for_what_is_new_in_it(stage: Any, browser_of: Any) -> None:
    post_id = stage(lambda world: world.answer(world.ask(), CALL).id)
    bob = browser_of("bob")
    address = f"/posts/{post_id}/edit"
    assert bob.post(address, data={"source": CALL + " Really.", "version": "1"}).status_code == 303
    first = bob.post(address, data={"source": CALL + " Or bob@example.org", "version": "2"})
    assert (first.status_code, WARNING in first.text) == (422, True)


def test_numbers_that_everybody_may_know_warn_nobody(stage: Any, browser_of: Any) -> None:
    topic_id = stage(lambda world: (world.everybody(), world.ask().id)[1])
    stage(lambda world: personal_data.add("+49 170 1234567", deed="allow", by=world.root))
    assert browser_of("bob").post(f"/topics/{topic_id}/answers", data={"source": CALL}).status_code == 303


def test_a_shape_of_the_house_is_found_in_every_spelling(world: World) -> None:
    personal_data.add("KD-######", deed="find", by=world.root)
    assert [one.text for one in personal_data.find("I am kd-204418, or ＫＤ\u200b-２０４４１９.")] == [
        "kd-204418",
        "KD-204419",
    ]
    assert personal_data.find("KD-2044181 and KD-2044") == []


@pytest.mark.parametrize("words", ["#", "***", "@@@@@", "A**#12", "x" * 130])
def test_a_shape_that_would_find_everything_is_refused(world: World, words: str) -> None:
    with pytest.raises(Invalid) as refusal:
        personal_data.add(words, deed="find", by=world.root)
    assert "words" in refusal.value.fields


def test_a_rule_is_there_once_and_only_admins_make_it(world: World) -> None:
    personal_data.add("help@klinke.example", deed="allow", by=world.root)
    with pytest.raises(Invalid):
        personal_data.add("help@klinke.example", deed="allow", by=world.root)
    with pytest.raises(NotAllowed):
        personal_data.add("KD-######", deed="find", by=world.ada)
    with pytest.raises(Invalid):
        personal_data.add("KD-######", deed="burn", by=world.root)


def test_admins_keep_the_rules_on_a_page_and_try_texts(stage: Any, browser_of: Any, app: Any) -> None:
    stage(lambda world: world.everybody() and None)
    root = browser_of("root")
    assert browser_of("ada").get("/admin/personal-data").status_code == 403
    assert "There is no rule yet." in root.get("/admin/personal-data").text
    refused = root.post("/admin/personal-data", data={"words": "##", "deed": "find"})
    assert refused.status_code == 422
    assert root.post("/admin/personal-data", data={"words": "KD-######", "deed": "find"}).status_code == 303
    page = root.get("/admin/personal-data", query_string={"trial": "I am KD-204418"}).text
    assert "customer or order number" in page
    assert "Nothing is found in this text." in root.get("/admin/personal-data?trial=fine").text
    with app.app_context():
        rule_id = db.session.query(PersonalRule).one().id
    assert root.post(f"/admin/personal-data/{rule_id}/remove").status_code == 303
    assert root.post(f"/admin/personal-data/{rule_id}/remove").status_code == 404
