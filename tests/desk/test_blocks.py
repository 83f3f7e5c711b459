"""The team's text blocks: who reads them, what they say where, blocks in blocks, and what they said before."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select

from accounts.models import User
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from desk import block_reading, block_transfer, blocks, replies, reuse, wordings
from desk.block_models import ReplyBlock, ReplyBlockUse
from desk.blocks import Words
from desk.models import Channel
from desk.reuse import Used
from desk.wordings import Wording
from tests.cast import World
from tests.desk import stage as props


def write(world: World, title: str = "Greeting", *, by: User | None = None, **about: Any) -> ReplyBlock:
    words: Mapping[str, str] = about.pop("words", {"de": "Guten Tag.", "en": "Hello."})
    return blocks.create(Words(title=title, words=words, **about), by=by or world.dora)


def said(block: ReplyBlock, on: Channel, *, locale: str = "de", by: User, wording: Wording | None = None) -> str:
    found = blocks.text_of(block, locale=locale, channel=on, wording=wording or Wording(), viewer=by)
    return "" if found is None else found[0]


def test_a_block_has_a_name_that_is_made_of_its_title(world: World) -> None:
    assert write(world, "Größe & Maße").name == "groesse-masse"
    assert write(world, "Größe & Maße").name == "groesse-masse-2"


@pytest.mark.parametrize("handle", ["alice", "tina", "ada", "emil"])
def test_only_agents_have_blocks(world: World, handle: str) -> None:
    block = write(world)
    person: User = getattr(world, handle)
    with pytest.raises(NotAllowed):
        write(world, by=person)
    with pytest.raises(NotAllowed):
        blocks.revise(block, Words(title="x", words={"en": "x"}), by=person)
    with pytest.raises(NotFound):
        blocks.visible_block(block.id, viewer=person)


def test_what_is_mine_is_nobody_elses(world: World) -> None:
    other = world.person("dirk", "agent")
    mine = write(world, scope="mine")
    assert blocks.visible_block(mine.id, viewer=world.dora) is mine
    with pytest.raises(NotFound):
        blocks.visible_block(mine.id, viewer=other)
    with pytest.raises(NotAllowed):
        blocks.put_away(mine, by=other)
    assert [row[0].id for row in blocks.listing(other)] == []
    assert [row[0].id for row in blocks.listing(world.dora, whose="mine")] == [mine.id]


@pytest.mark.parametrize(
    ("locale", "is_informal", "slug", "expected"),
    [
        ("de", False, "social", "Sie dort"),
        ("de", False, "mail", "Sie"),
        ("de", True, "social", "du dort"),
        ("de", True, "mail", "du"),
        ("en", True, "mail", "you"),
        ("en", False, "social", "you"),
    ],
)
def test_the_words_fit_the_language_the_address_and_the_channel(
    world: World, locale: str, is_informal: bool, slug: str, expected: str
) -> None:
    on = props.channel(world, slug)
    words = {"de": "Sie", "de@social": "Sie dort", "de-du": "du", "de-du@social": "du dort", "en": "you"}
    block = write(world, words=words)
    assert said(block, on, locale=locale, by=world.dora, wording=Wording(is_informal)) == expected


def test_a_missing_language_is_spoken_in_the_other_one(world: World) -> None:
    on = props.channel(world)
    assert said(write(world, words={"de": "Guten Tag."}), on, locale="en", by=world.dora) == "Guten Tag."
    assert said(write(world, "b", words={"de-du": "Hallo du."}), on, locale="en", by=world.dora) == "Hallo du."
    assert said(write(world, "c", words={"en@elsewhere": "Hi."}), on, by=world.dora) == "Hi."


def test_variables_have_values_defaults_and_parts_that_vanish(world: World) -> None:
    text = "{greeting},\n{?customer}Ihr Name ist {customer}.{/customer}{!customer}Wer sind Sie?{/customer} {agent|Wir}"
    block, on = write(world, words={"de": text}), props.channel(world)
    full = Wording(values={"customer": "Max", "agent": "Dora", "channel": "Social"})
    assert said(block, on, by=world.dora, wording=full) == "Guten Tag Max,\nIhr Name ist Max. Dora"
    assert said(block, on, by=world.dora, wording=Wording(values={})) == "Guten Tag,\nWer sind Sie? Wir"


def test_a_value_is_never_read_as_a_variable_or_a_block(world: World) -> None:
    write(world, "Inner", words={"de": "GEHEIM"})
    block, on = write(world, words={"de": "Hallo {customer}"}), props.channel(world)
    wording = Wording(values={"customer": "{agent} {{block:inner}}", "agent": "Dora"})
    assert said(block, on, by=world.dora, wording=wording) == "Hallo {agent} {{block:inner}}"


def test_what_can_never_be_filled_in_is_refused_at_its_text(world: World) -> None:
    with pytest.raises(Invalid) as refused:
        write(world, words={"de": "{nonsense}", "en": "Hello."})
    assert list(refused.value.fields) == ["words-de"]
    with pytest.raises(Invalid):
        write(world, words={"de": " \n "})


def test_a_variable_left_open_and_a_block_that_is_gone_hold_the_reply_back(world: World) -> None:
    conversation = props.received(props.channel(world, endpoint="https://a.example/r")).conversation
    for text in ("Hello {channel}", "Hello {{block:gone}}", "Hello {customer}"):
        assert wordings.left_open(text)
        with pytest.raises(Invalid):
            replies.reply(conversation, text=text, by=world.dora)


def test_a_block_stands_in_others_and_is_mended_once(world: World) -> None:
    on = props.channel(world)
    inner = write(world, "Hours", words={"de": "Mo bis Fr", "en": "Mon to Fri"})
    outer = write(world, "Call", words={"de": "Rufen Sie an: {{block:hours}}."})
    whole = write(world, "All", words={"de": "{{block:call}} Danke."})
    assert said(whole, on, by=world.dora) == "Rufen Sie an: Mo bis Fr. Danke."
    blocks.revise(inner, Words(title="Hours", words={"de": "immer"}), by=world.dora)
    assert said(whole, on, by=world.dora) == "Rufen Sie an: immer. Danke."
    assert [one.id for one in blocks.outer(inner)] == [outer.id]


def test_circles_are_refused(world: World) -> None:
    first = write(world, "First")
    write(world, "Second", words={"de": "{{block:first}}"})
    third = write(world, "Third", words={"de": "{{block:second}}"})
    for words in ("{{block:first}}", "{{block:third}}"):
        with pytest.raises(Invalid) as refused:
            blocks.revise(first, Words(title="First", words={"de": words}), by=world.dora)
        assert "words-de" in refused.value.fields
        db.session.expire(first)
    assert third.words == {"de": "{{block:second}}"}
    with pytest.raises(Invalid):
        write(world, "Lost", words={"de": "{{block:nobody}}"})


def test_blocks_stand_in_each_other_only_so_deep(world: World) -> None:
    write(world, "b0", words={"en": "end"})
    for number in range(1, blocks.MOST_NESTED + 1):
        write(world, f"b{number}", words={"en": f"{{{{block:b{number - 1}}}}}"})
    with pytest.raises(Invalid):
        write(world, "too-deep", words={"en": f"{{{{block:b{blocks.MOST_NESTED}}}}}"})


def test_what_stands_in_others_keeps_its_name_its_readers_and_its_place(world: World) -> None:
    inner = write(world, "Inner")
    write(world, "Outer", words={"de": "{{block:inner}}"})
    for words in (
        Words(title="Inner", words={"de": "x"}, name="other"),
        Words(title="I", words={"de": "x"}, scope="mine"),
    ):
        with pytest.raises(Invalid):
            blocks.revise(inner, words, by=world.dora)
        db.session.expire(inner)
    with pytest.raises(Invalid):
        blocks.put_away(inner, by=world.dora)


def test_what_is_for_few_does_not_stand_in_what_is_for_more(world: World) -> None:
    on, other = props.channel(world), props.channel(world, "mail")
    write(world, "Mine", scope="mine")
    write(world, "There", scope="channel", channel=on)
    for about in ({"name": "mine"}, {"name": "there"}):
        with pytest.raises(Invalid):
            write(world, "Outer", words={"de": f"{{{{block:{about['name']}}}}}"})
    write(world, "Fits", scope="channel", channel=on, words={"de": "{{block:there}}"})
    with pytest.raises(Invalid):
        write(world, "Fits not", scope="channel", channel=other, words={"de": "{{block:there}}"})
    write(world, "Mine too", scope="mine", words={"de": "{{block:mine}}"})


def test_a_channels_block_names_its_channel(world: World) -> None:
    with pytest.raises(Invalid) as refused:
        write(world, scope="channel")
    assert "channel" in refused.value.fields


def test_versions_are_kept_and_come_back(world: World) -> None:
    block = write(world, words={"de": "eins"})
    blocks.revise(block, Words(title="Greeting", words={"de": "zwei"}), by=world.dora, comment="kürzer", based_on=1)
    with pytest.raises(Conflict):
        blocks.revise(block, Words(title="Greeting", words={"de": "drei"}), by=world.dora, based_on=1)
    blocks.restore(block, 1, by=world.dora)
    assert (block.number, block.words) == (3, {"de": "eins"})
    assert [(one.number, one.words["de"]) for one in blocks.versions(block)] == [(3, "eins"), (2, "zwei"), (1, "eins")]
    blocks.revise(block, Words(title="Greeting", words={"de": "eins"}, folder="Anfang"), by=world.dora)
    assert block.number == 3
    with pytest.raises(NotFound):
        blocks.restore(block, 99, by=world.dora)


def test_uses_are_counted_once_a_reply_and_tell_what_was_never_used(world: World) -> None:
    block, never = write(world), write(world, "Never")
    conversation = props.received(props.channel(world, endpoint="https://a.example/r")).conversation
    message = replies.reply(conversation, text="Guten Tag.", by=world.dora)
    used = [Used("block", block.id, "short"), Used("block", block.id, "short"), Used("block", 10**12, "short")]
    reuse.record(message, used, by=world.dora)
    assert db.session.scalars(select(ReplyBlockUse.block_id)).all() == [block.id]
    assert [row[0].id for row in blocks.listing(world.dora, whose="unused")] == [never.id]


def test_somebody_elses_own_block_is_not_used_by_its_number(world: World) -> None:
    mine = write(world, scope="mine")
    other = world.person("dirk", "agent")
    conversation = props.received(props.channel(world, endpoint="https://a.example/r")).conversation
    message = replies.reply(conversation, text="Hello.", by=other)
    reuse.record(message, [Used("block", mine.id, "short")], by=other)
    assert db.session.scalars(select(ReplyBlockUse.block_id)).all() == []


def test_favourites_are_each_ones_own(world: World) -> None:
    block = write(world)
    for _twice in range(2):
        blocks.favour(block, by=world.dora, is_favourite=True)
    assert [row[3] for row in blocks.listing(world.dora, whose="kept")] == [True]
    assert blocks.listing(world.person("dirk", "agent"), whose="kept") == []
    blocks.favour(block, by=world.dora, is_favourite=False)
    assert blocks.listing(world.dora, whose="kept") == []


def test_put_away_and_taken_back(world: World) -> None:
    block = write(world)
    blocks.put_away(block, by=world.dora)
    assert blocks.listing(world.dora) == []
    assert [row[0].id for row in blocks.listing(world.dora, whose="away")] == [block.id]
    blocks.take_back(block, by=world.dora)
    assert len(blocks.listing(world.dora)) == 1


def test_words_with_signs_of_the_database_are_only_words(world: World) -> None:
    write(world, words={"en": "100% sure_thing"})
    assert len(blocks.listing(world.dora, words="100%")) == 1
    assert blocks.listing(world.dora, words="%_%") == []
    assert blocks.folders(world.dora) == [("", 1)]


def test_blocks_travel_with_everything_else(world: World) -> None:
    on = props.channel(world)
    inner = write(world, "Inner", keywords=["a", "b"], folder="Start")
    write(world, "Outer", words={"de": "{{block:inner}}"}, scope="channel", channel=on)
    mine = write(world, "Mine", scope="mine")
    blocks.put_away(mine, by=world.dora)
    world.dora.source_id = "dora"
    lines = list(block_transfer.dump())
    assert [(line["name"], "archived" in line) for line in lines] == [
        ("inner", False),
        ("outer", False),
        ("mine", True),
    ]
    records = [block_transfer.ReplyBlockRecord.model_validate(line) for line in lines]
    assert [block_transfer.load(record) for record in records] == ["unchanged", "unchanged", "unchanged"]
    blocks.revise(inner, Words(title="Other", words={"de": "x"}), by=world.dora)
    assert block_transfer.load(records[0]) == "changed"
    assert inner.title == "Inner"
    elsewhere = records[1].model_copy(update={"name": "new", "channel": "far-away", "words": {"en": "Hi."}})
    assert block_transfer.load(elsewhere) == "new"
    with pytest.raises(Invalid):
        block_transfer.load(records[0].model_copy(update={"owner": "nobody"}))
    stranger = world.person("dirk", "agent")
    own = records[0].model_copy(update={"name": "mine", "scope": "mine"})
    with pytest.raises(Invalid):
        block_transfer.load(own, by=stranger)


def test_the_linter_reads_the_teams_blocks_at_night_and_nobodys_own(world: World) -> None:
    block = write(world, words={"de": "Guten Tag.", "en": "Hello."})
    write(world, "Mine", scope="mine")
    blocks.put_away(write(world, "Away"), by=world.dora)
    assert [(one.ref, one.text) for one in block_reading.stored()] == [
        (f"{block.id}:de", "Guten Tag."),
        (f"{block.id}:en", "Hello."),
    ]
