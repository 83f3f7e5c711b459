"""Drafts that a team writes together: kept, gone on with, handed on; nobody is written over."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from accounts.models import AuditEntry, User
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.web import absolute
from desk import approvals, conversations, handing_over, holding, replies, shared_drafts
from desk.draft_models import EarlierDraft, SharedDraft
from desk.models import Conversation, Message
from desk.replies import Manner
from desk.sending_models import HeldReply
from desk.shared_drafts import DraftGone, Written, WrittenMeanwhile
from forum.models import Notification
from kb.models import ArticleUse
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
SECRET = "Kaulquappe"


@pytest.fixture
def conversation(world: World) -> Conversation:
    world.everybody()
    world.person("max", "agent")
    return props.received(props.channel(world, endpoint="https://social.example/replies")).conversation


@pytest.fixture
def conversation_id(stage: Stage) -> int:
    def scene(world: World) -> int:
        world.everybody()
        world.person("max", "agent")
        return props.received(props.channel(world, endpoint="https://social.example/replies")).conversation_id

    return int(stage(scene))


def save(conversation: Conversation, text: str, by: User, version: int | None = None, **more: Any) -> SharedDraft:
    draft = shared_drafts.save(conversation, Written(text=text, version=version, **more), by=by)
    assert draft is not None
    return draft


def newest_id(conversation: Conversation) -> int:
    return int(db.session.scalar(select(Message.id).order_by(Message.id.desc())) or 0)


def test_a_colleague_goes_on_and_what_was_written_before_stays_readable(
    world: World, conversation: Conversation
) -> None:
    draft = save(conversation, "Please restart", world.dora)
    draft = save(conversation, "Please restart it", world.dora, draft.version)
    assert shared_drafts.earlier(draft) == [], "one's own words are only written on"
    draft = save(conversation, "Restart it, then wait.", world.person("max"), draft.version)
    assert (draft.text, draft.begun_by, draft.by) == ("Restart it, then wait.", world.dora, world.person("max"))
    assert [(one.text, one.by) for one in shared_drafts.earlier(draft)] == [("Please restart it", world.dora)]
    assert draft.drafters == sorted([world.dora.id, world.person("max").id])
    assert shared_drafts.of(conversation, viewer=world.alice).open is None


def test_of_two_who_write_at_once_the_second_is_told_and_neither_text_is_lost(
    world: World, conversation: Conversation
) -> None:
    other = world.person("max")
    draft = save(conversation, "First", world.dora)
    save(conversation, "First of Max", other, draft.version)
    with pytest.raises(WrittenMeanwhile, match="Max wrote here"):
        save(conversation, "First of Dora", world.dora, 1)
    with pytest.raises(WrittenMeanwhile):
        save(conversation, "I did not even see it", world.root, None)
    assert draft.text == "First of Max"
    save(conversation, "First of Dora", world.dora, draft.version)
    assert [one.text for one in shared_drafts.earlier(draft)] == ["First of Max", "First"]
    taken = shared_drafts.take_up(conversation, "Mine instead", by=other)
    assert taken.text == "First of Dora"
    assert shared_drafts.earlier(draft)[0].text == "Mine instead"


def test_what_the_page_saves_by_itself_never_gets_in_its_own_writers_way(
    world: World, conversation: Conversation
) -> None:
    draft = save(conversation, "Hello", world.dora)
    save(conversation, "Hello you", world.dora, None)
    assert save(conversation, "Hello you there", world.dora, 1).version == 3
    assert shared_drafts.earlier(draft) == []
    save(conversation, "Something else, from another tab", world.dora, 1)
    assert [one.text for one in shared_drafts.earlier(draft)] == ["Hello you there"]
    before = draft.version
    save(conversation, draft.text, world.dora, 1)
    assert draft.version == before, "the same again changes nothing"


def test_sent_the_draft_is_gone_and_the_history_says_who_drafted_it(world: World, conversation: Conversation) -> None:
    draft = save(conversation, "Restart it", world.dora)
    message = replies.reply(conversation, text="Restart it.", by=world.root)
    drafters = shared_drafts.settle(
        conversation, text="Restart it.", version=draft.version, held_id=None, by=world.root
    )
    shared_drafts.credit(message, drafters, by=world.root)
    assert drafters == [world.dora.id]
    assert shared_drafts.of(conversation, viewer=world.dora).open is None
    deed = db.session.scalars(select(AuditEntry).where(AuditEntry.deed == "desk.draft.send")).one()
    assert (deed.by_id, deed.after) == (world.root.id, {"message": message.id, "drafters": [world.dora.id]})
    with pytest.raises(DraftGone):
        save(conversation, "Too late", world.dora, 1)


def test_a_late_save_of_what_was_sent_makes_no_new_draft(world: World, conversation: Conversation) -> None:
    seen = newest_id(conversation)
    replies.reply(conversation, text="Restart it, please.", by=world.dora)
    assert shared_drafts.save(conversation, Written(text="Restart it", seen=seen), by=world.dora) is None
    assert save(conversation, "Something new", world.dora, seen=seen).text == "Something new"


def test_a_reply_that_was_not_written_from_the_draft_leaves_it(world: World, conversation: Conversation) -> None:
    draft = save(conversation, "Of Dora", world.dora)
    replies.reply(conversation, text="Of root", by=world.root)
    assert shared_drafts.settle(conversation, text="Of root", version=None, held_id=None, by=world.root) == []
    assert shared_drafts.of(conversation, viewer=world.dora).open == draft


def test_nobody_sends_over_what_a_colleague_wrote_on_meanwhile(world: World, conversation: Conversation) -> None:
    draft = save(conversation, "Restart it", world.dora)
    save(conversation, "Restart it twice", world.root, draft.version)
    with pytest.raises(WrittenMeanwhile):
        shared_drafts.settle(conversation, text="Restart it now", version=1, held_id=None, by=world.dora)


def test_who_drafted_it_does_not_approve_it_and_undoing_keeps_who_did(world: World, conversation: Conversation) -> None:
    other = world.person("max")
    held = holding.keep(
        conversation, text="A refund.", by=world.dora, is_public=True, rule="legal", drafters=[other.id]
    )
    approvals.ask(held)
    assert set(db.session.scalars(select(Notification.user_id))) == {world.root.id}
    assert not approvals.may_approve(other, held)
    assert approvals.may_approve(world.root, held)
    message = replies.reply(conversation, text="Hello", by=world.dora, manner=Manner(undo_seconds=10))
    shared_drafts.credit(message, [other.id], by=world.dora)
    back = holding.undo(message, by=world.dora)
    assert back.drafters == [other.id]
    assert shared_drafts.settle(conversation, text="Hello", version=None, held_id=back.id, by=world.dora) == [other.id]


def test_dropped_it_can_be_had_back_for_a_day(world: World, conversation: Conversation) -> None:
    draft = save(conversation, "Restart it", world.dora)
    with pytest.raises(WrittenMeanwhile):
        shared_drafts.drop(draft, version=7, by=world.root)
    shared_drafts.drop(draft, version=draft.version, by=world.root)
    found = shared_drafts.of(conversation, viewer=world.dora)
    assert (found.open, found.dropped) == (None, draft)
    newer = save(conversation, "Another", world.dora)
    with pytest.raises(Conflict, match="another draft"):
        shared_drafts.restore(draft, by=world.dora)
    shared_drafts.drop(newer, version=newer.version, by=world.dora)
    shared_drafts.restore(draft, by=world.dora)
    shared_drafts.restore(draft, by=world.dora)
    assert shared_drafts.of(conversation, viewer=world.dora).open == draft
    db.session.execute(
        update(SharedDraft).where(SharedDraft.id == newer.id).values(dropped_at=now() - timedelta(days=2))
    )
    assert shared_drafts.forget_old() == 1
    conversations.change_state(conversation, "solved", by=world.dora)
    db.session.execute(update(SharedDraft).values(at=now() - timedelta(days=31)))
    assert shared_drafts.forget_old() == 1


def test_an_emptied_text_drops_the_draft_but_an_empty_composer_does_nothing(
    world: World, conversation: Conversation
) -> None:
    draft = save(conversation, "Restart it", world.dora)
    assert shared_drafts.save(conversation, Written(text="  "), by=world.root) is None
    assert shared_drafts.of(conversation, viewer=world.dora).open == draft
    assert shared_drafts.save(conversation, Written(text="", version=draft.version), by=world.dora) is None
    assert shared_drafts.of(conversation, viewer=world.dora).dropped == draft


def test_handed_on_it_is_in_the_colleagues_composer_and_they_hear_of_it(
    world: World, conversation: Conversation
) -> None:
    draft = save(conversation, "Restart it", world.dora)
    shared_drafts.hand(draft, to=world.root, by=world.dora)
    assert draft.meant_for == world.root
    assert db.session.scalars(select(Notification.kind)).all() == ["draft_handed"]
    for who in (world.dora, world.alice):
        with pytest.raises(Invalid):
            shared_drafts.hand(draft, to=who, by=world.dora)
    with pytest.raises(NotAllowed):
        shared_drafts.hand(draft, to=world.root, by=world.alice)
    save(conversation, "Restart it, please", world.root, draft.version)
    save(conversation, "Somebody else goes on", world.person("max"), draft.version)
    assert draft.for_id is None


def test_a_draft_goes_with_the_conversation_that_is_handed_over(world: World, conversation: Conversation) -> None:
    draft = save(conversation, "Restart it", world.dora)
    handing_over.hand_over(
        conversation, to=world.root, known="", promised="", next_step="Send it", due_at=None, by=world.dora
    )
    assert draft.for_id == world.root.id


def test_ten_who_begin_at_once_have_one_draft(app: Flask, stage: Stage, browser_of: BrowserOf) -> None:
    def scene(world: World) -> int:
        for number in range(10):
            world.person(f"agent-{number}", "agent")
        return props.received(props.channel(world, endpoint="https://social.example/replies")).conversation_id

    conversation_id = stage(scene)
    agents = [browser_of(f"agent-{number}") for number in range(10)]

    def begin(number: int) -> str:
        answer = agents[number].post(f"/desk/conversations/{conversation_id}/draft", data={"text": f"Of {number}"})
        assert answer.status_code == 200
        return str(answer.text)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(begin, range(10)))
    assert sum("data-share-refused" not in answer for answer in answers) == 1
    assert stage(lambda _: db.session.query(SharedDraft).count()) == 1


def version_on(page: str) -> str:
    found = re.search(r'name="draft_version" value="(\d*)"', page)
    assert found is not None
    return found[1]


def test_without_a_script_it_is_saved_opened_continued_and_handed_back(
    stage: Stage, browser_of: BrowserOf, conversation_id: int
) -> None:
    dora, other = browser_of("dora"), browser_of("max")
    page = f"/desk/conversations/{conversation_id}"
    saved = dora.post(f"{page}/replies", data={"text": "Please restart", "public": "no", "draft": "save"})
    assert saved.status_code == 200
    assert version_on(saved.text) == "1"
    assert stage(lambda _: db.session.query(Message).filter_by(direction="out").count()) == 0, "nothing is sent"

    seen = other.get(page).text
    assert "Dora has a draft here." in seen
    assert ">\r\nPlease restart</textarea>" not in seen
    opened = other.post(f"{page}/replies", data={"text": "", "draft": "theirs"}).text
    assert ">\r\nPlease restart</textarea>" in opened
    assert re.search(r'name="public" value="no" checked', opened)
    dora_id = stage(lambda world: world.dora.id)
    handed = other.post(
        f"{page}/replies",
        data={"text": "Please restart it.", "draft_version": version_on(opened), "draft": "hand", "draft_to": dora_id},
    )
    assert handed.status_code == 303
    back = dora.get(page).text
    assert ">\r\nPlease restart it.</textarea>" in back
    assert "written on by Max" in back
    assert "1 earlier text" in back
    sent = dora.post(f"{page}/replies", data={"text": "Please restart it.", "draft_version": version_on(back)})
    assert sent.status_code == 303
    history = dora.get(f"{page}/history").text
    assert "The reply was drafted with Max" in history
    assert "The draft was handed to Dora" in history


def test_a_clash_shows_both_texts_and_either_can_be_taken(
    stage: Stage, browser_of: BrowserOf, conversation_id: int
) -> None:
    dora, other = browser_of("dora"), browser_of("max")
    page = f"/desk/conversations/{conversation_id}"
    dora.post(f"{page}/draft", data={"text": "Words of Dora"})
    clash = other.post(f"{page}/replies", data={"text": "Words of Max", "draft": "save"})
    assert clash.status_code == 409
    assert ">\r\nWords of Max</textarea>" in clash.text
    assert "Words of Dora" in clash.text
    by_itself = other.post(f"{page}/draft", data={"text": "Words of Max"}).text
    assert "data-share-refused" in by_itself
    assert "Words of Dora" in by_itself
    mine = re.search(r'value="(mine:\d+)"', clash.text)
    assert mine is not None
    chosen = other.post(f"{page}/replies", data={"text": "Words of Max", "draft": mine[1]})
    assert chosen.status_code == 200
    assert stage(lambda _: db.session.scalars(select(SharedDraft.text)).all()) == ["Words of Max"]
    assert stage(lambda _: db.session.scalars(select(EarlierDraft.text)).all()) == ["Words of Dora"]
    late = dora.post(f"{page}/replies", data={"text": "Words of Dora, longer", "draft_version": "1"})
    assert late.status_code == 409, "and sending looks, too"
    assert "Words of Max" in late.text
    assert stage(lambda _: db.session.query(Message).filter_by(direction="out").count()) == 0


def test_what_came_after_the_draft_is_said(stage: Stage, browser_of: BrowserOf, conversation_id: int) -> None:
    dora, other = browser_of("dora"), browser_of("max")
    page = f"/desk/conversations/{conversation_id}"
    seen = re.search(r'name="seen"[^>]*value="(\d+)"', dora.get(page).text)
    assert seen is not None
    dora.post(f"{page}/draft", data={"text": "Please restart", "seen": seen[1]})
    assert "wrote again after this draft" not in other.get(page).text
    stage(lambda _: props.received(db.session.get_one(Conversation, conversation_id).channel, "It burns", id="second"))
    assert "wrote again after this draft" in other.get(page).text
    polled = other.post(f"{page}/presence", data={"writing": "0"}).text
    assert "Dora has written in a draft here." in polled
    assert "draft" not in other.post(f"{page}/presence?drafted=1", data={"writing": "0"}).text


def test_articles_that_were_chosen_travel_with_the_draft(
    stage: Stage, browser_of: BrowserOf, conversation_id: int
) -> None:
    article_id = stage(lambda world: Shelf(world).published().id)
    address = stage(lambda _: absolute(f"/kb/{article_id}"))
    page, text = f"/desk/conversations/{conversation_id}", f"Look here: {address}"
    browser_of("dora").post(f"{page}/draft", data={"text": text, "uses": f"article:{article_id}:link"})
    other = browser_of("max")
    opened = other.post(f"{page}/replies", data={"text": "", "draft": "theirs"}).text
    assert f'name="uses" value="article:{article_id}:link"' in opened
    other.post(
        f"{page}/replies",
        data={"text": text, "draft_version": version_on(opened), "uses": f"article:{article_id}:link"},
    )
    assert stage(lambda _: db.session.scalars(select(ArticleUse.way)).all()) == ["link"]


def test_a_reply_that_waits_for_approval_takes_the_draft_with_it(
    stage: Stage, browser_of: BrowserOf, conversation_id: int
) -> None:
    def rule(world: World) -> None:
        approvals.add(
            "refunds", channel=None, of_trainees=False, least_heat=None, words="refund", intent=None, by=world.root
        )

    stage(rule)
    page = f"/desk/conversations/{conversation_id}"
    browser_of("max").post(f"{page}/draft", data={"text": "You get a refund"})
    answer = browser_of("dora").post(f"{page}/replies", data={"text": "You get a refund.", "draft_version": "1"})
    assert answer.status_code == 303
    held_id, drafters = stage(lambda _: db.session.execute(select(HeldReply.id, HeldReply.drafters)).one())
    assert drafters == [stage(lambda world: world.person("max").id)]
    assert stage(lambda _: db.session.query(SharedDraft).count()) == 0
    assert (
        browser_of("max").post(f"/desk/held/{held_id}/approval", data={"text": "You get a refund."}).status_code == 403
    )
    assert (
        browser_of("root").post(f"/desk/held/{held_id}/approval", data={"text": "You get a refund."}).status_code == 303
    )
    assert "drafted with Max" in browser_of("dora").get(f"{page}/history").text


def test_dropping_and_having_it_back_by_buttons(stage: Stage, browser_of: BrowserOf, conversation_id: int) -> None:
    dora = browser_of("dora")
    page = f"/desk/conversations/{conversation_id}"
    dora.post(f"{page}/draft", data={"text": "Please restart"})
    draft_id = stage(lambda _: db.session.scalar(select(SharedDraft.id)))
    assert dora.post(f"/desk/drafts/{draft_id}/dropping", data={"drop_version": "9"}).status_code == 409
    assert dora.post(f"/desk/drafts/{draft_id}/dropping", data={"drop_version": "1"}).status_code == 303
    assert "Dora dropped a draft here." in dora.get(page).text
    assert dora.post(f"/desk/drafts/{draft_id}/restoring").status_code == 303
    assert ">\r\nPlease restart</textarea>" in dora.get(page).text
    assert dora.post("/desk/drafts/987654321/dropping").status_code == 404


def test_a_draft_is_nobodys_but_the_teams(
    stage: Stage, guest: Browser, browser_of: BrowserOf, conversation_id: int
) -> None:
    browser_of("dora").post(f"/desk/conversations/{conversation_id}/draft", data={"text": f"{SECRET} helps everybody"})
    draft_id = stage(lambda _: db.session.scalar(select(SharedDraft.id)))
    readers = {"guest": guest, **{name: browser_of(name) for name in ("alice", "ada", "emil", "tina")}}
    for name, reader in readers.items():
        for path in (
            f"/desk/conversations/{conversation_id}",
            f"/desk/conversations/{conversation_id}/history",
            "/desk",
            "/search?q=helps",
            f"/api/v1/conversations/{conversation_id}",
        ):
            assert SECRET not in reader.get(path).text, (name, path)
        for path in ("dropping", "restoring"):
            answer = reader.post(f"/desk/drafts/{draft_id}/{path}", data={"drop_version": "1"})
            assert answer.status_code in {302, 303, 401, 403, 404}
            assert SECRET not in answer.text
    assert stage(lambda _: db.session.scalar(select(SharedDraft.dropped_at))) is None

    def unseen(world: World) -> None:
        for person in (world.alice, world.ada, world.emil):
            with pytest.raises(NotFound):
                shared_drafts.visible_draft(draft_id, viewer=person)

    stage(unseen)
