"""Every service counts in its own way; the facts are those of docs and of the services' own libraries."""

import pytest

from core import counting
from core.counting import Measure, characters, graphemes, mastodon, weighted

FAMILY = "👩‍👩‍👧‍👦"
LINK = "https://help.example.org/kb/12-a-very-long-title-of-an-article"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("Grüße", 5),
        ("Gru\u0308ße", 5),
        (FAMILY, 1),
        ("🇩🇪🇬🇧", 2),
        ("👍🏽 ok", 4),
        ("a\r\nb", 3),
        ("❤️", 1),
        ("Zeile\nund „Zitat“ – 5 €", 23),
    ],
)
def test_graphemes_are_what_a_person_sees_as_one_character(text: str, expected: int) -> None:
    assert graphemes(text) == expected


def test_code_points_are_counted_one_by_one() -> None:
    assert characters(FAMILY) == 7
    assert characters("Gru\u0308ße") == 6


def test_mastodon_counts_any_address_23_and_of_a_mention_the_name() -> None:
    assert mastodon(LINK) == 23
    assert mastodon(f"See {LINK} and {LINK}") == 4 + 23 + 5 + 23
    assert mastodon("@max@example.social hello") == len("@max hello")


def test_x_weighs_latin_once_the_rest_twice_and_an_emoji_twice_however_long() -> None:
    assert weighted("Grüße") == 5
    assert weighted("日本語") == 6
    assert weighted(FAMILY) == 2
    assert weighted(LINK) == 23


def test_the_short_way_and_the_long_way_count_the_same() -> None:
    plain = [point for point in map(chr, range(0x2200)) if (run := counting._RUNS.match(point)) and run[1]]
    assert len(plain) > 500
    assert not any(counting._belongs_to(f"{before}{after}", 0, 1) for before in plain for after in plain[::7])
    assert graphemes("".join(plain)) == graphemes("".join(plain) + FAMILY) - 1 == len(plain)


def test_what_stands_before_a_plain_letter_may_join_it() -> None:
    assert graphemes("\u0600a") == 1
    assert graphemes("👩\u200d©") == 1
    assert graphemes("a\u0301b") == 2


def test_a_text_that_never_ends_its_first_character_is_counted_like_any_other() -> None:
    # Looking back at all of it from each letter took seconds, which somebody could have had for a pasted text.
    assert graphemes("👩🏽\u200d" * 6_000 + "👩") == 1
    assert weighted("👩🏽\u200d" * 6_000 + "👩") == 2
    assert graphemes("🇩" * 20_001) == 10_001
    assert graphemes("क" + "\u094d" * 20_000 + "ष") == 1


def test_without_a_limit_anything_fits() -> None:
    assert Measure(None).fits("x" * 100_000)
    assert Measure(500, "mastodon").fits("x" * 470 + " " + LINK)
    assert not Measure(280, "characters").fits("x" * 281)


def test_on_bluesky_an_address_counts_as_short_as_it_is_shown() -> None:
    shown = counting.shown_address(LINK)
    assert shown == "help.example.org/kb/12-a-very…"
    assert counting.bluesky(f"See {LINK}.") == len("See .") + len(shown) == 35
    assert counting.bluesky("https://a.example") == len("a.example")
    measure = Measure(300, "bluesky", 3000)
    assert measure.fits("https://a.example/" + "x" * 4000)
    assert not measure.fits("ü" * 301)
    assert not measure.fits(FAMILY * 200)
