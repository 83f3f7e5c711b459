"""Queries, as short as tests can write them."""

from search.analysis import tokens
from search.encoders import Encoder
from search.engines import Engine, EngineQuery, Phrase, Variant, Word
from search.ranking import Question


def word(text: str, *locales: str) -> Word:
    return Word(text, tuple(Variant(locale, tokens.term(text, locale)) for locale in locales or ("de", "en")))


def found(engine: Engine, *texts: str, **filters: object) -> list[int]:
    query = EngineQuery(words=tuple(word(text) for text in texts), **filters)  # type: ignore[arg-type]
    return [hit.ref.id for hit in engine.find(query, 100).hits]


def phrase(text: str, locale: str = "en") -> tuple[Phrase, ...]:
    parts = text.split()
    return (Phrase(locale, tuple((tokens.term(part, locale), number) for number, part in enumerate(parts))),)


def question(text: str, encoder: Encoder) -> Question:
    return Question(tokens.spoken(text, "en").words, encoder.encode(text))
