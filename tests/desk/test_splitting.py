"""A text in several messages: each fits by the channel's arithmetic, and no word, address or mention is cut."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.counting import Measure
from core.errors import Invalid
from desk import splitting

MEASURES = [
    Measure(60),
    Measure(60, "graphemes", 90),
    Measure(60, "mastodon"),
    Measure(60, "weighted"),
    Measure(60, "bluesky", 90),
]
LINK = "https://help.example.org/kb/12-a-long-title-of-an-article"
WORDS = st.sampled_from(
    ["Restart", "it.", "Grüße", "👩‍👩‍👧‍👦", "日本語", LINK, "@max@social.example", "nein,", "ja!", "a", "\n\nNeu"]
)


def unnumbered(part: str) -> str:
    return re.sub(r" \(\d+/\d+\)( \^AB)?$", "", part)


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=60), st.sampled_from(MEASURES), st.sampled_from(["", " ^AB"]))
def test_every_part_fits_and_together_they_are_the_text(words: list[str], measure: Measure, suffix: str) -> None:
    text = " ".join(words)
    try:
        parts = splitting.parts(text, "numbered", measure, suffix=suffix)
    except Invalid:
        assert measure.count(LINK) > 45 or (measure.longest_bytes and len(LINK) > 50) or len(text) > 900
        return
    assert all(measure.fits(part) for part in parts)
    assert parts[-1].endswith(suffix)
    if len(parts) > 1:
        assert " ".join(map(unnumbered, parts)).split() == text.split()
        assert [f"({number}/{len(parts)})" in part for number, part in enumerate(parts, 1)] == [True] * len(parts)
    else:
        assert parts == [text + suffix]


def test_what_fits_stays_one_message_as_it_was_typed() -> None:
    assert splitting.parts("  Hello ", "numbered", Measure(20)) == ["  Hello "]
    assert splitting.parts("x" * 30, "", Measure(20)) == ["x" * 30]


def test_a_part_ends_after_a_sentence_where_it_is_full_enough() -> None:
    text = "One two three four five. Six seven eight nine ten."
    assert splitting.parts(text, "numbered", Measure(38))[0] == "One two three four five. (1/2)"


@pytest.mark.parametrize("suffix", ["", " ^AB"])
def test_shortened_it_ends_with_the_address(suffix: str) -> None:
    text = f"Please restart the router once and wait for the light, then {LINK}. It says more about all of this."
    (short,) = splitting.parts(text, "link", Measure(60, "mastodon"), suffix=suffix)
    assert short.startswith("Please restart the router")
    assert short.endswith(f"… {LINK}{suffix}")
    assert Measure(60, "mastodon").fits(short)


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("no address here " * 9, "link"),
        (f"{'x' * 80} {LINK}", "link"),
        ("x" * 61, "numbered"),
        ("word " + "y" * 70 + " word", "numbered"),
        ("one two " * 400, "numbered"),
        ("one two three " * 9, "nonsense"),
    ],
)
def test_what_cannot_be_done_this_way_is_said_at_its_field(text: str, way: str) -> None:
    with pytest.raises(Invalid) as refusal:
        splitting.parts(text, way, Measure(60))  # type: ignore[arg-type]
    assert list(refusal.value.fields) == ["split"]


def test_a_very_long_text_is_no_trouble() -> None:
    with pytest.raises(Invalid):
        splitting.parts("🤬 " * 10_000, "numbered", Measure(280, "weighted"))
    assert len(splitting.parts("one two three " * 400, "numbered", Measure(280, "weighted"))) == 21
