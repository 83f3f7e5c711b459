import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import grammar
from search.analysis import tokens
from search.grammar import LONGEST_QUERY, MOST_TERMS, Notice, ParsedQuery
from tests.search.samples import inputs


def test_words_phrases_and_exclusions_are_told_apart() -> None:
    parsed = grammar.parse('router "kein netz" -telefon')
    assert parsed.words == ("router",)
    assert parsed.phrases == ("kein netz",)
    assert parsed.excluded == ("telefon",)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("tag:wlan", "tags", ("wlan",)),
        ('tag:"fritz box"', "tags", ("fritz box",)),
        ("TAG:wlan", "tags", ("wlan",)),
        ("author:anna", "author", "anna"),
        ("author:@anna", "author", "anna"),
        ("is:solved", "solved", True),
        ("is:unsolved", "solved", False),
        ("in:kb", "kinds", ("article",)),
        ("in:forum", "kinds", ("topic", "answer")),
        ("lang:de", "locale", "de"),
    ],
)
def test_an_operator_narrows_and_is_no_word(text: str, name: str, value: object) -> None:
    parsed = grammar.parse(text)
    assert getattr(parsed, name) == value
    assert parsed.words == ()
    assert not parsed.is_empty


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour:red", ("colour", "red")),
        ("is:maybe", ("is", "maybe")),
        ("in:nowhere", ("in", "nowhere")),
        ("http://example.org", ("http", "//example.org")),
        ("-tag:wlan", ()),
        ("tag:", ("tag:",)),
    ],
)
def test_an_unknown_operator_is_plain_words(text: str, words: tuple[str, ...]) -> None:
    assert grammar.parse(text).words == words


def test_a_quotation_that_is_never_closed_ends_with_the_query() -> None:
    assert grammar.parse('a "b c').phrases == ("b c",)


def test_a_single_quoted_word_is_a_word() -> None:
    assert grammar.parse('"router"').words == ("router",)


def test_german_quotation_marks_make_phrases_too() -> None:
    assert grammar.parse("„kein netz“").phrases == ("kein netz",)


def test_a_long_query_is_cut_with_a_notice() -> None:
    parsed = grammar.parse("a" * (LONGEST_QUERY + 1))
    assert len(parsed.raw) == LONGEST_QUERY
    assert Notice.CUT in parsed.notices


def test_terms_beyond_the_limit_are_ignored_with_a_notice() -> None:
    parsed = grammar.parse(" ".join(f"w{n}" for n in range(MOST_TERMS + 5)))
    assert len(parsed.words) == MOST_TERMS
    assert parsed.notices == (Notice.IGNORED,)


def test_a_repeated_word_counts_once() -> None:
    parsed = grammar.parse("router " * 20)
    assert parsed.words == ("router",)
    assert parsed.notices == ()


def test_exactly_the_limit_needs_no_notice() -> None:
    assert grammar.parse(" ".join(f"w{n}" for n in range(MOST_TERMS))).notices == ()


def test_a_word_of_many_parts_counts_all_of_them() -> None:
    assert grammar.parse("-".join("a" * (MOST_TERMS + 1))).words == ()


@pytest.mark.parametrize("text", ["", "   ", "-", '""', "!!!", "\0\x1b"])
def test_nothing_asks_for_nothing(text: str) -> None:
    assert grammar.parse(text).is_empty


def test_what_disturbs_a_page_is_not_echoed() -> None:
    assert grammar.parse("a\0b\u202ec\ud800d").raw == "a b c d"


@given(st.text(max_size=400))
@settings(max_examples=500, deadline=None)
def test_any_text_means_something_bounded(text: str) -> None:
    _is_bounded(grammar.parse(text))


@given(
    st.lists(
        st.sampled_from(
            [
                '"',
                "-",
                "tag:",
                "author:",
                "is:",
                "in:",
                "lang:",
                "solved",
                "kb",
                "de",
                "a",
                "ä",
                " ",
                "„",
                "“",
                ":",
                "'",
            ]
        ),
        max_size=60,
    )
)
@settings(max_examples=500, deadline=None)
def test_any_mixture_of_signs_means_something_bounded(parts: list[str]) -> None:
    _is_bounded(grammar.parse("".join(parts)))


def test_the_corpora_mean_something_bounded() -> None:
    for text in inputs("search_queries", "fuzz_tokens", "naughty", "unicode"):
        _is_bounded(grammar.parse(text))


def _is_bounded(parsed: ParsedQuery) -> None:
    assert len(parsed.raw) <= LONGEST_QUERY
    parsed.raw.encode()
    asked = [*parsed.words, *parsed.phrases, *parsed.excluded]
    assert sum(1 for text in asked for _ in tokens.words(text)) + len(parsed.tags) <= MOST_TERMS
    assert set(parsed.kinds or ()) <= {"topic", "answer", "article"}
    assert parsed.locale in {None, "de", "en"}


@pytest.mark.parametrize(
    ("typed", "spoken"),
    [
        ("printer box in", "printer box in"),
        ('my "no signal" router -cable tag:wlan is:solved', "my no signal router"),
        ("error:10054", "error 10054"),
        ("tag:wlan", ""),
        ("", ""),
    ],
)
def test_what_a_query_says_in_plain_words(typed: str, spoken: str) -> None:
    assert grammar.spoken(typed) == spoken
