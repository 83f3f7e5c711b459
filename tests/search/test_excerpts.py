import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from search.analysis import tokens
from search.excerpts import LENGTH, highlight
from tests.search.samples import inputs

FILLER = "lorem ipsum dolor sit amet consectetur adipiscing elit sed eiusmod tempor incididunt labore " * 20


def terms_of(*words: str, locale: str = "en") -> set[str]:
    return {tokens.term(word, locale) for word in words}


def test_every_form_of_a_word_is_marked() -> None:
    assert highlight("Routers and a router.", terms_of("router"), "en") == Markup(
        "<mark>Routers</mark> and a <mark>router</mark>."
    )


def test_the_part_with_most_different_words_is_shown() -> None:
    text = f"router {FILLER} router password reset {FILLER}"
    excerpt = highlight(text, terms_of("router", "password", "reset"), "en")
    assert "<mark>router</mark> <mark>password</mark> <mark>reset</mark>" in excerpt
    assert excerpt.startswith("…")
    assert excerpt.endswith("…")


def test_without_a_match_the_text_begins_at_its_beginning() -> None:
    excerpt = highlight(FILLER, terms_of("router"), "en")
    assert excerpt.startswith("lorem ipsum")
    assert "<mark>" not in excerpt
    assert len(excerpt) <= LENGTH + 1


def test_no_word_is_cut() -> None:
    excerpt = highlight(f"{FILLER} router {FILLER}", terms_of("router"), "en").striptags().strip("…")
    assert set(excerpt.split()) <= {*FILLER.split(), "router"}


def test_a_word_with_a_hyphen_is_marked_whole() -> None:
    assert "<mark>E-Mail</mark>" in highlight("Die E-Mail kam.", terms_of("email", locale="de"), "de")


def test_html_stays_text() -> None:
    excerpt = highlight("<script>alert('router')</script> & <b>router</b>", terms_of("router"), "en")
    assert "<script" not in excerpt
    assert "<b>" not in excerpt
    assert excerpt.count("<mark>router</mark>") == 2


def test_what_turns_the_direction_of_writing_is_gone() -> None:
    assert highlight("a\u202eb\u2066c\0d", set(), "en") == "a b c d"


@pytest.mark.parametrize("unit", ["router ", "a-b", "<", "&", "router-router ", "x", "\u202e", "router\n"])
def test_hostile_texts_cost_little(unit: str) -> None:
    started = time.process_time()
    excerpt = highlight(unit * 1_000_000, terms_of("router", "ab"), "en")
    assert time.process_time() - started < 1
    assert len(excerpt.striptags()) <= LENGTH + 2


@given(st.text(max_size=600), st.sets(st.sampled_from(["a", "b", "ab", "0"])), st.integers(20, 300))
@settings(max_examples=400, deadline=None)
def test_any_text_becomes_safe_html(text: str, terms: set[str], length: int) -> None:
    excerpt = str(highlight(text, terms, "en", length))
    bare = excerpt.replace("<mark>", "").replace("</mark>", "")
    assert "<" not in bare
    assert excerpt.count("<mark>") == excerpt.count("</mark>")
    excerpt.encode()


def test_the_corpora_become_safe_html() -> None:
    for text in inputs("naughty", "xss"):
        words = {tokens.term(word.text, "en") for word in tokens.words(text[:500])}
        bare = highlight(text, words, "en").replace("<mark>", "").replace("</mark>", "")
        assert "<" not in bare
