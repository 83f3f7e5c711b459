"""What the words say of a document, beside Whoosh's own matchers; and what must change nothing of it.

The collections are drawn at random: several commits, documents of one to some forty words in two languages, changed and
deleted ones, messages they answered, circles they are for.
"""

import random
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from whoosh import analysis, fields, query, scoring
from whoosh.filedb.filestore import RamStorage
from whoosh.util.numeric import byte_to_length, length_to_byte

from search import ranking
from search.analysis import facts, hashes, tokens
from search.documents import AUDIENCES, Document, Ref
from search.encoders import Strength
from search.engines import EngineHit, EngineQuery, Phrase, Variant, Word
from search.engines.whoosh import WhooshEngine
from search.ranking import Question
from tests.search.conftest import ENCODER, LONG_AGO

LOCALES = ("de", "en")
WORDS = ("router", "lights", "cable", "page", "modem", "green", "wifi", "update", "garten", "fenster")
"""Too short for a compound: what a compound is made of depends on everything that was ever indexed."""
ABSENT = "nowhere"
FIVE_DIGITS = 1e-5
drawn = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # an example takes a tenth of a second, and shrinking thousands of them
)


@dataclass(frozen=True, slots=True)
class Commit:
    """What one commit brings and takes away; an id that is already there is a changed document."""

    upserts: tuple[Document, ...]
    deletes: tuple[Ref, ...]


def exactly_kept(length: int) -> int:
    """Return the largest length up to `length` that Whoosh keeps exactly: it has one byte for it."""
    return next(n for n in range(length, 0, -1) if byte_to_length(length_to_byte(n)) == n)


def texts(most: int = 44) -> st.SearchStrategy[str]:
    """Texts whose lengths Whoosh keeps exactly; some words are far more frequent than others."""

    def text(length: int, seed: int) -> str:
        dice = random.Random(seed)  # noqa: S311 -- drawing every word would take longer than what is tested
        return " ".join(dice.choices(WORDS + WORDS[:3] * 4, k=exactly_kept(length)))

    return st.builds(text, st.integers(1, most), st.integers(0, 1 << 32))


@st.composite
def documents(draw: st.DrawFn, numbers: st.SearchStrategy[int], **more: st.SearchStrategy[Any]) -> Document:
    """Documents with one field: the text, whose boost is 1."""
    return Document(
        ref=Ref("topic", draw(numbers)),
        locale=draw(st.sampled_from(LOCALES)),
        title="",
        body=draw(texts()),
        created_at=LONG_AGO,
        **{name: draw(strategy) for name, strategy in more.items()},
    )


def commits(**more: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Commit]]:
    """Up to four commits: fewer than make Klinke merge segments, which is another test's matter."""
    numbers = st.integers(1, 30)
    changes = st.lists(documents(numbers, **more), max_size=10, unique_by=lambda each: each.ref.id)
    deletes = st.lists(numbers.map(lambda number: Ref("topic", number)), max_size=4)
    return st.lists(st.builds(Commit, changes.map(tuple), deletes.map(tuple)), min_size=1, max_size=4)


asked = st.lists(st.sampled_from((*WORDS, ABSENT)), min_size=1, max_size=6, unique=True)


@contextmanager
def indexed(history: Iterable[Commit]) -> Iterator[WhooshEngine]:
    """An engine that was given these commits, opened anew, so that nothing of it was cached before the last."""
    with tempfile.TemporaryDirectory() as folder:
        writer = WhooshEngine(Path(folder), ENCODER)
        for commit in history:
            writer.apply(commit.upserts, commit.deletes)
        yield WhooshEngine(Path(folder), ENCODER)


def alive(history: Sequence[Commit]) -> dict[Ref, Document]:
    """Return what is there after the last commit; what a commit both brings and deletes is there."""
    found: dict[Ref, Document] = {}
    for commit in history:
        for ref in commit.deletes:
            found.pop(ref, None)
        found |= {document.ref: document for document in commit.upserts}
    return found


def word(text: str) -> Word:
    return Word(text, tuple(Variant(locale, tokens.term(text, locale)) for locale in LOCALES))


def scores(engine: WhooshEngine, words: Iterable[str]) -> dict[int, float]:
    """Return the score of every hit by the words alone."""
    hits = engine.find(EngineQuery(words=tuple(map(word, words))), 100).hits
    return {hit.ref.id: hit.score for hit in hits}


class OurBM25F(scoring.BM25F):  # type: ignore[misc]  # Whoosh has no types
    """Whoosh's BM25F with our rarity: Whoosh's own is log(N / (n + 1)) + 1, which tells of a word that all have."""

    def idf(self, searcher: Any, fieldname: str, text: str) -> float:
        return ranking.rarity(searcher.doc_frequency(fieldname, text), searcher.doc_count_all())


def scores_of_whoosh(history: Sequence[Commit], locale: str, words: Iterable[str]) -> dict[int, float]:
    """Return what Whoosh's matchers give for the same terms: the living documents of one language, in several segments.

    Deleted documents are left out, because Whoosh goes on counting them until it merges. A score is divided by what a
    text of the query alone could reach, as ours is.
    """
    schema = fields.Schema(
        ref=fields.STORED, text=fields.TEXT(analyzer=analysis.SpaceSeparatedTokenizer(), phrase=False)
    )
    index = RamStorage().create_index(schema)
    those = [document for document in alive(history).values() if document.locale == locale]
    for start in range(0, len(those), 5):
        writer = index.writer()
        for document in those[start : start + 5]:
            stems = " ".join(tokens.term(each, locale) for each in document.body.split())
            writer.add_document(ref=document.ref.id, text=stems)
        writer.commit(merge=False)
    terms = [tokens.term(each, locale) for each in words]
    weighting = OurBM25F(B=ranking.weights(locale).b, K1=ranking.K1)
    with index.searcher(weighting=weighting) as searcher:
        reachable = (ranking.K1 + 1) * sum(weighting.idf(searcher, "text", term) for term in terms)
        found = searcher.search(query.Or([query.Term("text", term) for term in terms]), limit=None)
        return {hit["ref"]: hit.score / reachable for hit in found}


@drawn
@given(commits(), asked)
def test_the_words_score_as_with_whoosh(history: list[Commit], words: list[str]) -> None:
    with indexed(history) as engine:
        ours = scores(engine, words)
    theirs = {ref: score for locale in LOCALES for ref, score in scores_of_whoosh(history, locale, words).items()}
    assert ours == pytest.approx(theirs, rel=FIVE_DIGITS)


def test_the_comparison_with_whoosh_is_of_something() -> None:
    """Known figures, so that both sides cannot be wrong in the same way: BM25F of two texts, by hand."""
    history = [Commit((document(1, "router cable cable"), document(2, "modem")), ())]
    rarity = ranking.rarity(1, 2)
    unknown = ranking.rarity(0, 2)
    frequency = 2 / (1 - 0.75 + 0.75 * 3 / 2)
    by_hand = rarity * 2.2 * frequency / (1.2 + frequency) / (2.2 * (rarity + unknown))
    with indexed(history) as engine:
        assert scores(engine, ["cable", ABSENT]) == pytest.approx({1: by_hand}, rel=FIVE_DIGITS)
    assert scores_of_whoosh(history, "en", ["cable", ABSENT]) == pytest.approx({1: by_hand}, rel=FIVE_DIGITS)


def document(number: int, body: str, **more: Any) -> Document:
    return Document(ref=Ref("topic", number), locale="en", title="", body=body, created_at=LONG_AGO, **more)


def test_a_word_that_adds_nothing_is_not_named_among_those_that_were_found() -> None:
    """Where hardly anything was reused what was asked does not count, in whatever form a segment keeps the word."""
    others = [document(number, "cable page lights") for number in range(3, 400)]
    mine = document(1, "garten router green", asked=("modem page modem",))
    with indexed([Commit((mine, document(2, "modem cable"), *others), ())]) as engine:
        hits = engine.find(full(["garten", "modem"]), 10).hits
        assert [hit.matched for hit in hits if hit.ref.id == 1] == [("garten",)]


messages = st.lists(texts(12), max_size=3).map(tuple)
of_everything = {"asked": messages, "asked_inside": messages, "audience": st.sampled_from(AUDIENCES)}


@drawn
@given(commits(**of_everything), asked)
def test_what_was_deleted_leaves_no_trace(history: list[Commit], words: list[str]) -> None:
    """The words score as in an index made anew; how rare neighbours are is only estimated, within each segment."""
    anew = [Commit(tuple(alive(history).values()), ())]
    with indexed(history) as engine, indexed(anew) as other:
        for audience in AUDIENCES:
            for inside in (False, True):
                query = replace(full(words, audience=audience, inside=inside), question=None)
                assert told(engine, query) == pytest.approx(told(other, query), rel=FIVE_DIGITS, abs=1e-6)


@drawn
@given(commits(), asked)
def test_caches_that_outlive_a_commit_stay_close(history: list[Commit], words: list[str]) -> None:
    """What was cached is kept while the average length moves by less than two thousandths."""
    with tempfile.TemporaryDirectory() as folder:
        warm = WhooshEngine(Path(folder), ENCODER)
        for commit in history:
            warm.apply(commit.upserts, commit.deletes)
            fresh = WhooshEngine(Path(folder), ENCODER)
            assert scores(warm, words) == pytest.approx(scores(fresh, words), rel=0.002)


HIDDEN = "hidden"
"""A word of private texts alone."""
private_texts = st.tuples(texts(), st.sampled_from(("", f" {HIDDEN}"))).map("".join)


@st.composite
def hidden_changes(draw: st.DrawFn) -> tuple[tuple[Document, ...], tuple[str, ...]]:
    """Private documents, of ids that no public one has, and private messages."""
    bodies = draw(st.lists(private_texts, max_size=6))
    circle = st.sampled_from(("members", "team"))
    private = tuple(
        document(number, body, audience=draw(circle), tags=("secret",), category="inner", solved=True)
        for number, body in enumerate(bodies, 1000)
    )
    return private, tuple(draw(st.lists(private_texts, max_size=3)))


def with_private(
    history: Sequence[Commit], hidden: Sequence[tuple[tuple[Document, ...], tuple[str, ...]]]
) -> list[Commit]:
    """Return the same commits, each with private documents and with private messages of its public ones."""
    found = []
    for row, (commit, (private, said)) in enumerate(zip(history, hidden, strict=False), 1):
        new = [replace(each, ref=Ref("topic", 1000 * row + number)) for number, each in enumerate(private)]
        public = [replace(each, asked_inside=said) for each in commit.upserts]
        found.append(Commit((*new[::2], *public, *new[1::2]), commit.deletes))
    return found


HIDDEN_OF_FOUR = st.lists(hidden_changes(), min_size=4, max_size=4)


def growing(history: Sequence[Commit]) -> list[Commit]:
    """Return commits that only bring new documents, so that no segments are merged: neighbours are weighed in each."""
    return [
        Commit(tuple(replace(each, ref=Ref("topic", 100 * row + each.ref.id)) for each in commit.upserts), ())
        for row, commit in enumerate(history)
    ]


@drawn
@given(commits(asked=messages).map(growing), HIDDEN_OF_FOUR, asked, st.booleans())
@example(  # a phrase that stands in a private message only
    [Commit((document(1, "router modem router"),), ())], [((), ("router router",))], ["router"], False
)
@example(  # a word that private documents alone have must not push a public one out of the words that are looked up
    [Commit((document(1, "router"), document(2, "modem")), ())],
    [((document(1000, "hidden", audience="team"),), ())],
    ["router"],
    False,
)
@example(  # many long private messages must not push the text out of what is looked at
    [Commit((document(1, "router cable modem"), document(2, "modem")), ())],
    [((), ("green page " * 40,) * 50)],
    ["cable", "modem"],
    False,
)
def test_what_is_private_changes_nothing_for_everyone(
    history: list[Commit],
    hidden: list[tuple[tuple[Document, ...], tuple[str, ...]]],
    words: list[str],
    is_open: bool,
) -> None:
    with indexed(history) as engine, indexed(with_private(history, hidden)) as other:
        base = full([*words, HIDDEN], is_open=is_open)
        for query in (
            base,
            replace(base, question=None),
            replace(base, most_words=1),
            replace(base, excluded=(word(HIDDEN),)),
            replace(base, words=(), question=None),
            replace(base, phrases=tuple(phrase(*pair) for pair in zip(words[:1], words[-1:], strict=True))),
            replace(base, tags=("secret",)),
            replace(base, category="inner"),
            replace(base, locale="en", solved=False),
        ):
            assert told(engine, query) == pytest.approx(told(other, query), rel=FIVE_DIGITS, abs=1e-6)


@drawn
@given(commits(asked=messages), HIDDEN_OF_FOUR, asked)
def test_what_is_private_changes_nothing_of_the_words_while_texts_come_and_go(
    history: list[Commit], hidden: list[tuple[tuple[Document, ...], tuple[str, ...]]], words: list[str]
) -> None:
    with indexed(history) as engine, indexed(with_private(history, hidden)) as other:
        query = replace(full([*words, HIDDEN]), question=None)
        assert told(engine, query) == pytest.approx(told(other, query), rel=FIVE_DIGITS, abs=1e-6)


def test_a_private_text_does_not_teach_how_words_are_split() -> None:
    """A compound of a public text is split by what is public: else its parts would tell what private texts say."""
    public = replace(document(1, "Flurbelzange"), locale="de")
    private = replace(document(1000, "Flurbel Flurbel", audience="team"), locale="de")
    with indexed([Commit((public, private), ())]) as engine:
        assert scores(engine, ["Flurbelzange"]).keys() == {1}
        assert scores(engine, ["Flurbel"]) == {}


def phrase(*words: str) -> tuple[Phrase, ...]:
    return tuple(
        Phrase(locale, tuple((tokens.term(each, locale), place) for place, each in enumerate(words)))
        for locale in LOCALES
    )


def full(words: Sequence[str], **more: Any) -> EngineQuery:
    """Return a query with everything that scores: words, what is spelt alike, pairs, vectors."""
    text = " ".join(words)
    return EngineQuery(
        words=tuple(map(word, words)),
        question=Question(words, ENCODER.encode(text)),
        strength=dict.fromkeys(LOCALES, Strength(1.0, 1.0)),
        **more,
    )


def told(engine: WhooshEngine, asked_for: EngineQuery) -> dict[str, float]:
    """Return everything that somebody can learn from one search, as numbers by name."""
    findings = engine.find(asked_for, 100, counted=True)
    said: dict[str, float] = {"total": findings.total}
    for hit in findings.hits:
        said |= _of_hit(hit)
    for name, counts in findings.facets.items():
        said |= {f"{name}: {value}": number for value, number in counts}
    names = [(each, locale) for each in (*WORDS, HIDDEN, ABSENT) for locale in LOCALES]
    digests = hashes.of_all(f"{locale}:{tokens.spelt(each, locale)}" for each, locale in names)
    assert digests[0] == facts.digest(WORDS[0], "de"), "counts are asked for by what the index knows"
    said |= {f"{name} in {locale}": n for (name, locale), n in zip(names, engine.counts(digests).tolist(), strict=True)}
    for each in (*WORDS, HIDDEN, ABSENT):
        said[f"{each} tells"] = engine.rarity(word(each), inside=asked_for.inside)
    return said


def _of_hit(hit: EngineHit) -> dict[str, float]:
    return {
        f"{hit.ref.id} has {' '.join(hit.matched)}": hit.score,
        **{f"{hit.ref.id}, signal {number}": signal for number, signal in enumerate(hit.signals)},
    }
