import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.analysis import language, tokens
from search.analysis.text import LONGEST_TEXT, LONGEST_WORD
from tests.search.samples import inputs


def terms(text: str, locale: str) -> list[str]:
    spoken = tokens.spoken(text, locale)
    return [tokens.term(word, locale) for word in (*spoken.words, *spoken.joined)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Rechnungsadressen", "Rechnungsadresse"),
        ("Rechnungsadressen", "rechnungsadressen"),
        ("Passwörter", "passwort"),
        ("Passwoerter", "Passwörter"),
        ("Straße", "STRASSE"),
        ("Größe", "Groesse"),
        ("u\u0308ber", "über"),
        ("Router", "Routern"),
        ("geht’s", "geht's"),
        ("Ver\u00adtrag", "Vertrag"),
    ],
)
def test_forms_of_a_german_word_are_one_term(one: str, other: str) -> None:
    assert terms(one, "de") == terms(other, "de") != []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("routers", "router"),
        ("Router's", "router"),
        ("settings", "setting"),
        ("naïve", "naive"),
        ("don’t", "don't"),
        ("ＷＩＦＩ", "wifi"),
    ],
)
def test_forms_of_an_english_word_are_one_term(one: str, other: str) -> None:
    assert terms(one, "en") == terms(other, "en") != []


def test_each_language_has_its_own_rules() -> None:
    assert terms("Rechnungsadressen", "en") != terms("Rechnungsadresse", "en")
    assert terms("routers", "de") == terms("router", "de")


def test_words_joined_by_a_hyphen_are_one_term_more() -> None:
    assert terms("E-Mail", "de") == ["e", "mail", "email"]


def test_a_joined_word_stands_nowhere() -> None:
    assert tokens.spoken("an e-mail now", "en") == (["an", "e", "mail", "now"], ["email"])


def test_a_word_says_where_it_stands() -> None:
    text = "Ein „Router“ steht."
    assert [text[word.start : word.end] for word in tokens.words(text)] == ["Ein", "Router", "steht"]


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("Wie kann ich mein Passwort zurücksetzen?", "de"),
        ("Der Drucker druckt nicht", "de"),
        ("How do I reset my password?", "en"),
        ("The printer does not print", "en"),
        ("wireless settings are missing", "en"),
    ],
)
def test_the_language_of_a_sentence_is_seen(text: str, locale: str) -> None:
    assert language.guess(text) == locale
    assert language.guess(text, hint="en" if locale == "de" else "de") == locale


@pytest.mark.parametrize("hint", ["de", "en"])
def test_the_hint_decides_where_the_text_does_not(hint: str) -> None:
    assert language.guess("Router 500", hint=hint) == hint


def test_a_text_without_words_is_no_language_of_its_own() -> None:
    assert language.guess("") == "en"
    assert language.guess("!!!", hint="de") == "de"


@given(st.text(max_size=300), st.sampled_from(["de", "en"]))
@settings(max_examples=400, deadline=None)
def test_any_text_becomes_terms_of_letters_and_digits(text: str, locale: str) -> None:
    for term in terms(text, locale):
        assert 0 < len(term) <= 3 * LONGEST_WORD
        assert not any(letter.isspace() for letter in term)
        term.encode()


def test_the_corpora_become_terms() -> None:
    for text in inputs("fuzz_tokens", "naughty", "unicode"):
        for locale in ("de", "en"):
            assert all(terms(text, locale))
        assert language.guess(text) in {"de", "en"}


@pytest.mark.parametrize("unit", ["a", "a'", "'", "a\u0300", "\u00ad", "a-", "-", "ﷺ", "ä", "\U0001d400", "a\u200d"])
def test_hostile_texts_cost_little(unit: str) -> None:
    started = time.process_time()
    count = sum(map(len, tokens.spoken(unit * 1_000_000, "de")))
    assert time.process_time() - started < 2
    assert count <= LONGEST_TEXT
