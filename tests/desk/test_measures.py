"""What helping comes to: every number is the length of a list, shares say how few they are of, nobody is compared."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import event, select

from core.clock import now
from core.db import db
from core.errors import NotFound
from desk import blocks, conversations, linking, measures, promises, ranking, replies, shares
from desk.block_models import ReplyBlockUse
from desk.blocks import Words
from desk.figure_models import LinkCheck, LinkSheet, PeerAnswer, PeerCriterion, PeerReview, SolvedQuestion
from desk.measures import Of, Thing
from desk.models import Message
from desk.promise_models import Promise
from desk.shares import Share
from kb.models import ArticleUse, SentLink
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
PAGES = ("knowledge", "outcomes", "links")


def some_work(world: World, many: int = 6) -> None:
    """Closed cases with and without articles and all that can become of their links, some of Dora and one of Root."""
    world.everybody()
    channel = props.channel(world, endpoint="https://social.example/replies")
    shelf = Shelf(world)
    article = shelf.published(title="My router is offline since the update")
    other = shelf.published(title="The network has another name")
    shelf.published(title="Nobody ever sent this")
    text = blocks.create(Words(title="Greeting", words={"en": "Hello there."}), by=world.dora)
    fates = ("helped", "not", "other", "quiet", "back", "unopened", "running")
    for number in range(many * len(fates)):
        fate = fates[number % len(fates)]
        sent = now() - timedelta(days=1 if fate == "running" else 20 + number % 30)
        asked = props.received(
            channel, conversation=f"t{number}", id=f"m{number}", created_at=sent, is_public=False, handle=f"@p{number}"
        )
        by = world.root if number == 0 else world.dora
        chosen = article if number % 3 else other
        words = f"See http://localhost/kb/{chosen.id}" if number % 5 else "Please restart it."
        used = [(chosen.id, None)] if number % 5 else []
        conversations.assign(asked.conversation, by, by=by)
        reply = replies.reply(asked.conversation, text=words, by=by, uses=used)
        reply.state, reply.sent_at = "sent", sent
        blocks.record_use(text, reply.id, by=by)
        if number % 4:
            conversations.change_state(asked.conversation, "solved", by=by)
        use = db.session.scalars(select(ArticleUse).where(ArticleUse.where_id == reply.id)).one_or_none()
        if use is not None:
            let_become(use, fate, sent)
        if number % 5 == 0 and number:
            answer = ("yes", "no", None)[number % 3]
            asking = _asking(reply)
            db.session.add(
                SolvedQuestion(
                    conversation_id=reply.conversation_id,
                    reply_id=reply.id,
                    message_id=asking.id,
                    by_id=by.id,
                    asked_at=sent,
                    answer=answer,
                    answered_at=None if answer is None else now(),
                )
            )
        if number % 3 == 0:
            promised = promises.make(
                asked.conversation, what="A part", due_at=now() + timedelta(hours=1), owner=by, by=by
            )
            promised.state = ("kept", "broken", "withdrawn")[number % 2]  # type: ignore[assignment]
            promised.due_at = sent
    linking.link(asked.conversation, article.id, relation="made", by=world.dora)
    _looked_at(world)
    db.session.flush()


def let_become(use: ArticleUse, fate: str, sent: Any) -> None:
    """Let a link that went out be opened, or not, and so on."""
    use.at = sent
    link = db.session.get_one(SentLink, use.id)
    link.made_at = sent
    if fate not in {"unopened", "running"}:
        link.opened_at = sent
    if fate in {"helped", "not", "other"}:
        use.outcome, use.outcome_at = fate, sent  # type: ignore[assignment]
    if fate == "back":
        link.came_back_at = sent + timedelta(days=2)


def _asking(reply: Message) -> Message:
    message = Message(
        conversation_id=reply.conversation_id,
        channel_id=reply.channel_id,
        direction="out",
        is_public=False,
        text="Solved?",
        state="sent",
    )
    db.session.add(message)
    db.session.flush()
    return message


def _looked_at(world: World) -> None:
    """Colleagues looked at links and at cases."""
    uses = db.session.scalars(select(ArticleUse.id).order_by(ArticleUse.id)).all()
    for whose in (None, world.dora.id):
        sheet = LinkSheet(week=now().date(), whose_id=whose)
        db.session.add(sheet)
        db.session.flush()
        for place, use_id in enumerate(uses[:5]):
            verdict = ("right", "better", "wrong", None)[place % 4]
            at = None if verdict is None else now()
            db.session.add(LinkCheck(sheet_id=sheet.id, use_id=use_id, verdict=verdict, by_id=world.root.id, at=at))
    criterion = PeerCriterion(words="Was it kind?", position=1)
    db.session.add(criterion)
    db.session.flush()
    cases = db.session.scalars(select(Message.conversation_id).where(Message.by_id == world.dora.id)).all()
    for place, case in enumerate(cases[:3]):
        review = PeerReview(
            conversation_id=case,
            reviewed_id=world.dora.id,
            reviewer_id=world.root.id,
            written_at=now(),
            seen_at=None if place == 2 else now(),
        )
        review.answers = [PeerAnswer(criterion_id=criterion.id, is_met=place == 0)]
        db.session.add(review)
    db.session.flush()


def numbers_on(page: str) -> list[tuple[str, int]]:
    links = BeautifulSoup(page, "html.parser").select("main td a, main .cluster a.num")
    return [(str(link["href"]), int(link.text)) for link in links]


@pytest.mark.parametrize(
    "path",
    [
        *(f"/desk/figures/{page}" for page in PAGES),
        *(f"/desk/figures/use?of={of}&by={by}" for of in ranking.KINDS for by in ("uses", "success")),
    ],
)
def test_every_number_opens_exactly_that_many_rows(stage: Stage, browser_of: BrowserOf, path: str) -> None:
    stage(some_work)
    dora = browser_of("dora")
    walked = 0
    for whose in ("", "whose=all"):
        found = numbers_on(dora.get(path + ("&" if "?" in path else "?") + whose).text)
        some = [one for one in found if one[1]] + [one for one in found if not one[1]][:3]
        for url, number in dict(some).items():
            there = BeautifulSoup(dora.get(url).text, "html.parser")
            assert len(there.select("ul.rows li")) == min(number, 50), url
            assert str(number) in there.select_one(".page__lead").text, url  # type: ignore[union-attr]
            walked += bool(number)
    assert walked > 1, "a walk that passes nothing proves nothing"


def test_what_is_counted_adds_up(world: World) -> None:
    some_work(world)
    of = Of(me_id=world.dora.id)

    def count(key: str, of: Of = of) -> int:
        return measures.listed(key, of).count()

    everybody = Of(me_id=world.dora.id, by_id=None)
    for whose in (Of(me_id=world.dora.id, by_id=world.dora.id), everybody):
        assert count("closed", whose) == count("closed-linked", whose) + count("closed-unlinked", whose) > 0
        assert count("closed", whose) == count("known", whose) + count("new", whose) + count("neither", whose)
        assert count("links", whose) == sum(
            count(f"links-{fate}", whose) for fate in ("helped", "quiet", "back", "failed", "unopened", "running")
        )
        assert count("links-spared", whose) == count("links-helped", whose) + count("links-quiet", whose) > 0
    assert count("new", everybody) == 1
    assert count("asked-yes")
    assert count("asked-no")
    assert count("review-met") == 1, "what its person has not read does not count"
    assert count("review-missed") == 1
    assert count("articles-unused") == 1
    with pytest.raises(NotFound):
        measures.listed("nothing", of)


def test_links_of_ones_own_sheet_are_ones_own_alone(world: World) -> None:
    some_work(world)
    for name, whose, many in (("dora", world.dora.id, 2), ("root", world.root.id, 0)):
        mine = measures.listed("link-right", Of(me_id=whose, by_id=whose))
        assert mine.count() == many, name
    assert measures.listed("link-right", Of(me_id=world.root.id)).count() == 2


def test_agents_see_their_own_first_and_nobody_elses(stage: Stage, browser_of: BrowserOf) -> None:
    stage(some_work)
    root = browser_of("root")
    own = dict(numbers_on(root.get("/desk/figures/links").text))
    everybody = dict(numbers_on(root.get("/desk/figures/links?whose=all").text))
    assert own["/desk/figures/lists/links"] == 0, "Root sent one reply, without an article"
    assert everybody["/desk/figures/lists/links?whose=all"] > 20
    for who in ("1", "dora", "7"):
        assert dict(numbers_on(root.get(f"/desk/figures/links?whose={who}").text)) == own


@pytest.mark.parametrize("path", [*(f"/desk/figures/{page}" for page in PAGES), "/desk/figures/use"])
def test_who_does_not_work_at_the_desk_sees_nothing(stage: Stage, browser_of: BrowserOf, path: str) -> None:
    stage(some_work)
    for name in ("charlie", "emil", "ada"):
        assert browser_of(name).get(path).status_code == 403
        assert browser_of(name).get(f"{path}.csv").status_code == 403
        assert browser_of(name).get("/desk/figures/lists/links").status_code == 403


def test_each_is_a_sheet_too(stage: Stage, browser_of: BrowserOf) -> None:
    stage(some_work)
    dora = browser_of("dora")

    def read(url: str) -> list[list[str]]:
        return list(csv.reader(io.StringIO(dora.get(url).text.removeprefix("\ufeff"))))

    for page in PAGES:
        table = read(f"/desk/figures/{page}.csv?whose=all")
        assert len(table) == 14
        assert table[0][0] == "week"
    ranked = read("/desk/figures/use.csv?whose=all")
    assert ranked[0][:3] == ["thing", "title", "uses"]
    assert len(ranked) == 3
    links = dict(numbers_on(dora.get("/desk/figures/links?whose=all").text))["/desk/figures/lists/links?whose=all"]
    assert len(read("/desk/figures/lists/links.csv?whose=all")) == links + 1


def test_nonsense_in_an_address_is_not_found(stage: Stage, browser_of: BrowserOf) -> None:
    stage(some_work)
    dora = browser_of("dora")
    for path in (
        "lists/nothing",
        "lists/links?week=2026-13-99",
        "lists/used?thing=article",
        "lists/used?thing=article:x",
        "lists/used?thing=face:1:9",
        "lists/used?thing=article:1:280",
        "lists/used?thing=dog:1",
        "use?of=dogs",
        "use?by=height",
    ):
        assert dora.get(f"/desk/figures/{path}").status_code == 404, path


def test_what_nobody_did_yet_is_said(stage: Stage, browser_of: BrowserOf) -> None:
    stage(lambda world: world.everybody())
    dora = browser_of("dora")
    for page in PAGES:
        assert "Nothing yet." in dora.get(f"/desk/figures/{page}").text
    assert "Nothing was used yet." in dora.get("/desk/figures/use").text
    assert "Nothing is in this list." in dora.get("/desk/figures/lists/links").text


# Wilson's intervals for some counts, from tables: 0 of 10, 5 of 10, 10 of 10, 81 of 263 (Newcombe 1998, Table I).
@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662), (0, 0, 0.0, 1.0)],
)
def test_an_interval_is_the_one_of_wilson(part: int, whole: int, low: float, high: float) -> None:
    assert Share(part, whole).bounds == pytest.approx((low, high), abs=0.0001)


def test_a_share_says_of_how_many_it_is_and_that_few_say_little(app: Flask) -> None:
    with app.test_request_context():
        assert shares.in_words(Share(0, 0)) == "Nothing yet."
        assert shares.in_words(Share(5, 10)) == (
            "50 % of 10 (by chance alone anything from 24 to 76 %). So few say little."
        )
        assert "little" not in shares.in_words(Share(81, 263))


def test_ninety_of_a_hundred_are_before_one_of_one() -> None:
    assert Share(90, 100).bounds[0] > Share(1, 1).bounds[0]


def test_what_is_used_is_ranked_by_use_and_by_success(world: World) -> None:
    some_work(world)
    of = Of(me_id=world.dora.id)
    for kind in ranking.KINDS:
        found = ranking.ranked(kind, "uses", of, world.dora)
        assert [one.uses for one in found] == sorted((one.uses for one in found), reverse=True)
        by_success = ranking.ranked(kind, "success", of, world.dora)
        lows = [one.success.bounds[0] for one in by_success]
        assert lows == sorted(lows, reverse=True)
        for one in found:
            about = Of(me_id=world.dora.id, thing=one.thing)
            prefix = "text-" if kind == "texts" else "used-"
            assert one.helped == measures.listed(f"{prefix}helped", about).count()
            assert one.failed == measures.listed(f"{prefix}failed", about).count()
    assert {one.thing.kind for one in ranking.ranked("articles", "uses", of, world.dora)} == {"article"}
    assert Thing("face", 3, "280").name == "face:3:280"


def test_a_block_that_somebody_keeps_for_themselves_is_in_nobody_elses_figures(world: World) -> None:
    some_work(world)
    mine = blocks.create(Words(title="My secret", words={"en": "Hm."}, scope="mine"), by=world.dora)
    reply = db.session.scalars(select(Message).where(Message.by_id == world.dora.id)).first()
    assert reply is not None
    blocks.record_use(mine, reply.id, by=world.dora)
    assert db.session.query(ReplyBlockUse).filter_by(block_id=mine.id).count() == 1
    for person, many in ((world.dora, 1), (world.root, 0)):
        found = ranking.ranked("texts", "uses", Of(me_id=person.id), person)
        assert len([one for one in found if one.title == "My secret"]) == many
        assert measures.listed("text-used", Of(me_id=person.id, thing=Thing("text", mine.id))).count() == many


def test_promises_are_counted_by_whose_they_are(world: World) -> None:
    some_work(world)
    kept = db.session.query(Promise).filter_by(state="kept").count()
    assert measures.listed("promise-kept", Of(me_id=world.dora.id)).count() == kept
    assert measures.listed("promise-kept", Of(me_id=world.root.id, by_id=world.root.id)).count() == 1


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/desk/figures/knowledge?whose=all", 24),
        ("/desk/figures/outcomes?whose=all", 20),
        ("/desk/figures/links?whose=all", 28),
        ("/desk/figures/use?whose=all", 14),
        ("/desk/figures/lists/links?whose=all", 10),
        ("/desk/figures/lists/closed?whose=all", 10),
        ("/desk/figures/lists/link-right?whose=all", 10),
    ],
)
def test_a_page_asks_as_much_of_many_as_of_few(
    app: Flask, stage: Stage, browser_of: BrowserOf, path: str, most: int
) -> None:
    stage(lambda world: some_work(world, 2))
    dora = browser_of("dora")

    def statements() -> int:
        seen: list[str] = []
        note = lambda _c, _cursor, statement, *_rest: seen.append(statement)  # noqa: E731 -- removed below
        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        assert dora.get(path).status_code == 200
        event.remove(engine, "before_cursor_execute", note)
        return len([one for one in seen if one.startswith("SELECT")])

    statements()
    few = statements()

    def more(world: World) -> None:
        channel = db.session.query(Message).first().channel  # type: ignore[union-attr]  # there are some
        article = Shelf(world).published(title="One more")
        for number in range(30):
            asked = props.received(channel, conversation=f"n{number}", id=f"n{number}", is_public=False)
            text = f"http://localhost/kb/{article.id}"
            reply = replies.reply(asked.conversation, text=text, by=world.dora, uses=[(article.id, None)])
            reply.state, reply.sent_at = "sent", now()
            conversations.change_state(asked.conversation, "solved", by=world.dora)

    stage(more)
    assert statements() <= few <= most
