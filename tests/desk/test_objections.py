"""What speaks against a draft is shown before it goes out, and the writer decides."""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.db import db
from core.settings import current_settings
from desk import objections, replies
from desk.models import Conversation, Message
from desk.objections import Draft, Objected, Objection, WayOut
from forum import moderation
from kb.models import ArticleLink
from tests.cast import World
from tests.conftest import Browser
from tests.desk.stage import channel, received
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
PRIVATE = "Your number 0171 5550123 is right, so we look together."


@pytest.fixture
def conversation_id(stage: Stage) -> int:
    def scene(world: World) -> int:
        assert world.dora
        return received(channel(world, endpoint="https://social.example/replies")).conversation_id

    found: int = stage(scene)
    return found


@pytest.fixture
def final() -> Iterator[None]:
    """A check that cannot be overruled."""

    def never(draft: Draft) -> Iterator[Objection]:
        if "password" in draft.text:
            yield Objection(code="never", words="Never ask for this.", said="password", is_final=True)

    objections.register(never)
    yield
    objections._checks.remove(never)


def sent(stage: Stage) -> int:
    count: int = stage(lambda _: db.session.query(Message).filter_by(direction="out").count())
    return count


def test_personal_data_in_a_public_reply_is_shown_first_and_sent_when_it_is_meant(
    stage: Stage, browser_of: Callable[[str], Browser], conversation_id: int
) -> None:
    agent = browser_of("dora")
    path = f"/desk/conversations/{conversation_id}/replies"
    answer = agent.post(path, data={"text": PRIVATE})
    assert answer.status_code == 409
    assert PRIVATE in answer.text, "nothing typed is lost"
    assert "Please look at this before it goes out" in answer.text
    assert sent(stage) == 0
    seals = re.search(r'name="confirmed" value="([0-9a-f ]+)"', answer.text)
    assert seals is not None
    changed = agent.post(path, data={"text": PRIVATE.replace("0171 5550123", "030 901820"), "confirmed": seals[1]})
    assert changed.status_code == 409, "another number is another decision"
    assert agent.post(path, data={"text": PRIVATE, "confirmed": seals[1]}).status_code == 303
    assert sent(stage) == 1


def test_the_way_out_is_a_button(browser_of: Callable[[str], Browser], conversation_id: int) -> None:
    agent = browser_of("dora")
    path = f"/desk/conversations/{conversation_id}/replies"
    way = re.search(r'name="mend" value="([^"]+)"', agent.post(path, data={"text": PRIVATE}).text)
    assert way is not None
    page = agent.post(path, data={"text": PRIVATE, "mend": way[1]}).text
    assert "0171 5550123" not in page
    assert "so we look together." in page
    for nonsense in ("", "x", f"{way[1]}9", "0123:0", way[1].split(":")[0]):
        assert PRIVATE in agent.post(path, data={"text": PRIVATE, "mend": nonsense}).text


def test_in_private_nobody_objects_to_what_the_customer_may_know(world: World) -> None:
    world.everybody()
    conversation = received(channel(world, endpoint="https://social.example/replies"), is_public=False).conversation
    assert replies.objections_to(conversation, PRIVATE, by=world.dora) == []
    assert [one.code for one in replies.objections_to(conversation, PRIVATE, by=world.dora, is_public=True)] == [
        "pii_out",
        "goes_public",
    ]


@pytest.mark.usefixtures("final")
def test_what_is_final_stops_programs_too(world: World) -> None:
    world.everybody()
    agent = world.dora
    conversation = received(channel(world, endpoint="https://social.example/replies")).conversation
    with pytest.raises(Objected) as refused:
        replies.reply(conversation, text="Your password and your number 0171 5550123 are right.", by=agent)
    assert [one.code for one in refused.value.objections] == ["never", "pii_out"]
    seals = [one.seal for one in refused.value.objections]
    with pytest.raises(Objected):
        replies.reply(
            conversation, text="Your password and your number 0171 5550123 are right.", by=agent, confirmed=seals
        )
    assert replies.reply(conversation, text="You have 0171 5550123.", by=agent).state == "queued"
    assert db.session.query(Conversation).one().state == "waiting_customer"


def test_a_way_out_takes_the_place_of_what_was_said() -> None:
    one = Objection(code="x", words="…", said="bad", ways_out=(WayOut(label="Good", instead="good"),))
    assert objections.mended("a bad, bad day", one, 0) == "a good, bad day"


def test_no_way_out_leads_where_the_service_has_no_way(world: World) -> None:
    on = channel(world, endpoint="https://social.example/replies")
    conversation = received(on, "Mein Router ist aus.", locale="de").conversation

    def ways() -> int:
        found = replies.objections_to(conversation, "Bitte rufen Sie unsere Hotline an.", by=world.dora)
        return sum(len(one.ways_out) for one in found)

    with_private = ways()
    conversation.capabilities = {"private": False}
    assert 0 < ways() < with_private


def codes(conversation: Conversation, text: str, by: Any) -> list[tuple[str, str]]:
    return [(one.code, one.said) for one in replies.objections_to(conversation, text, by=by)]


def test_links_that_the_customer_cannot_open_are_named(world: World) -> None:
    world.everybody()
    conversation = received(channel(world, endpoint="https://social.example/replies")).conversation
    seen, muted = world.ask(title="A question that all can read"), world.ask(title="A muted question")
    moderation.mute(muted, by=world.ada, reason="personal data")
    base = current_settings().base_url
    good = f"Please look here: {base}/t/{seen.id}-x, or at https://example.org/help."
    assert codes(conversation, good, world.dora) == []
    dead = [
        f"{base}/t/{muted.id}-a-muted-question",
        f"{base}/kb/999999",
        f"{base}/desk/queue",
        "http://wiki.intranet/router",
        "http://10.1.2.3/",
        "https://fritz/box",
    ]
    found = codes(conversation, " and ".join(dead) + ".", world.dora)
    assert sorted(found) == sorted(("dead_link", url) for url in dead)


def test_a_link_that_articles_found_dead_is_named_without_being_opened(world: World) -> None:
    world.everybody()
    conversation = received(channel(world, endpoint="https://social.example/replies")).conversation
    url = "https://vendor.example.org/manual.pdf"
    text = f"It stands in {url}."
    article = Shelf(world).published()
    link = ArticleLink(
        article_id=article.id,
        place="article",
        url=url,
        url_key=hashlib.sha256(url.encode()).hexdigest(),
        state="broken",
        said="404",
        failures=1,
    )
    db.session.add(link)
    db.session.flush()
    assert ("dead_link", url) not in codes(conversation, text, world.dora), "services have bad hours"
    link.failures = 2
    db.session.flush()
    assert ("dead_link", url) in codes(conversation, text, world.dora)


@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("Max Muster", "Hallo Tom, "),
        ("Max Muster", "Sehr geehrte Frau Schmidt, "),
        ("Erika Meier", "Hi Frau Meyer! "),
        ("Jürgen", "Dear Mr Smith,\n"),
    ],
)
def test_another_name_than_the_customers_is_named(world: World, name: str, greeting: str) -> None:
    world.everybody()
    on = channel(world, endpoint="https://social.example/replies")
    conversation = received(on, name=name, handle="@quiet77@social.example").conversation
    text = f"{greeting}please look at the light once."
    (found,) = replies.objections_to(conversation, text, by=world.dora)
    assert found.code == "wrong_name"
    assert objections.mended(text, found, 0).count(name) == 1
    assert replies.objections_to(conversation, objections.mended(text, found, 0), by=world.dora) == []


@pytest.mark.parametrize(
    ("name", "handle", "said", "greeting"),
    [
        ("Max Muster", "@max", "It is out.", "Hallo Max, "),
        ("Max Muster", "@max", "It is out.", "Hallo Herr Muster, "),
        ("Jürgen Weiß", "@jw", "It is out.", "Hallo Juergen, "),
        ("Jürgen Weiß", "@jw", "It is out.", "Hallo Herr Weiss, "),
        ("JW", "@bergziege77", "It is out.", "Hallo Bergziege, "),
        ("P. S.", "@ps", "It is out. Viele Grüße, Petra Schmidt", "Hallo Frau Schmidt, "),
        ("Max Muster", "@max", "It is out.", "Hallo zusammen, "),
        ("Max Muster", "@max", "It is out.", "Hi there! "),
        ("", "@x1", "It is out.", "Hallo Frau Schmidt, "),
        ("Max Muster", "@max", "It is out.", "Hallo, "),
        ("Max Muster", "@max", "It is out.", "Tom wrote the same. "),
    ],
)
def test_the_customers_name_however_spelt_is_no_other(
    world: World, name: str, handle: str, said: str, greeting: str
) -> None:
    world.everybody()
    on = channel(world, endpoint="https://social.example/replies")
    conversation = received(on, said, name=name, handle=handle).conversation
    assert replies.objections_to(conversation, f"{greeting}please look at the light once.", by=world.dora) == []
