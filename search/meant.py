"""What somebody means who types: the language, the words, and what a mistyped word was meant to be."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from search import registry
from search.analysis import compounds, hashes, language, lexicon, spelling, tokens

_LOCALES: Final = ("de", "en")
_LONGEST_JOINED: Final = 40
_MOST_CORRECTED: Final = 8
"""Words of one text that are corrected: each costs about a millisecond."""
_SAME_BEGINNING: Final = 10
"""How much likelier a word is meant that begins with the letter that was typed."""


@dataclass(frozen=True, slots=True)
class Meant:
    """The words of a text: `pairs` of what was typed and what was meant, `sequence` folded and in order."""

    locale: str
    text: str
    pairs: tuple[tuple[str, str], ...]
    sequence: tuple[str, ...]
    correction: str | None
    """The text as it was meant; None where it was typed so."""

    def phrases(self, longest: int) -> Iterator[str]:
        """Yield each run of up to `longest` folded words that stand behind each other."""
        for size in range(1, longest + 1):
            for start in range(len(self.sequence) - size + 1):
                yield " ".join(self.sequence[start : start + size])


def of(runs: Sequence[str], hint: str | None) -> Meant:
    """Return what is meant by the runs between the blanks of a text; `hint` is the language of the person."""
    text = " ".join(runs)
    locale = language.guess(text, hint)
    words = list(dict.fromkeys(word.text for word in tokens.words(text)))
    corrections = _corrections(words, locale)
    pairs = dict.fromkeys((piece, corrections.get(piece, piece)) for run in runs for piece in pieces(run))
    corrected = _replaced(text, corrections)
    return Meant(
        locale=locale,
        text=corrected,
        pairs=tuple(pairs),
        sequence=tuple(tokens.spoken(corrected, locale).words),
        correction=corrected if corrections else None,
    )


def pieces(run: str) -> Iterator[str]:
    """Yield the words of what stands between two blanks; of "e-mail" also "email", in place of a lone letter."""
    parts = [word.text for word in tokens.words(run)]
    joined = "".join(parts)
    if len(parts) > 1 and "-" in run and len(joined) <= _LONGEST_JOINED:
        yield joined
        parts = [part for part in parts if len(part) > 1 or part.isdigit()]
    yield from parts


def parts(word: str) -> tuple[str, ...]:
    """Return the folded parts of a German compound, none for what is not one."""
    return compounds.parts(tokens.spelt(word, "de"), _known_parts)


def _corrections(words: Sequence[str], locale: str) -> dict[str, str]:
    """Return what each mistyped word was meant to be."""
    corrections: dict[str, str] = {}
    for word in _unknown(words):
        if len(corrections) == _MOST_CORRECTED:
            break
        folded = tokens.spelt(word, locale)
        other = next((found for each in dict.fromkeys((locale, *_LOCALES)) if (found := _closest(folded, each))), None)
        if other is not None and other != folded:
            corrections[word] = other.capitalize() if word[0].isupper() else other
    return corrections


def _unknown(words: Sequence[str]) -> Iterator[str]:
    """Yield the words that neither the index nor the language has."""
    asked = [(word, tokens.spelt(word, locale), locale) for word in words for locale in _LOCALES]
    counts = registry.engine().counts(_digests((folded, locale) for _, folded, locale in asked))
    known = {word for (word, _, _), count in zip(asked, counts.tolist(), strict=True) if count}
    listed = lexicon.opened()
    for word in words:
        folded = tokens.spelt(word, "en")
        is_word = word in known or any(listed.knows(tokens.spelt(word, locale), locale) for locale in _LOCALES)
        if not is_word and len(folded) >= spelling.SHORTEST and folded.isalpha() and not parts(word):
            yield word


def _closest(folded: str, locale: str) -> str | None:
    """Return the likeliest word one edit away: one of the index, else one of the language."""
    near = spelling.neighbours(folded, locale)
    if not near:
        return None
    counts = registry.engine().counts(_digests((word, locale) for word in near)).astype(np.float64)
    if not counts.any():
        counts = lexicon.opened().counts(hashes.of_all(near), locale).astype(np.float64)
    if not counts.any():
        return None
    counts *= [_SAME_BEGINNING if word[0] == folded[0] else 1 for word in near]
    return near[int(counts.argmax())]


def _digests(words: Iterable[tuple[str, str]]) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    return hashes.of_all(f"{locale}:{word}" for word, locale in words)


def _known_parts(word: str) -> float:
    return float(lexicon.opened().knows(word, "de"))


def _replaced(text: str, corrections: dict[str, str]) -> str:
    if not corrections:
        return text
    written, place = [], 0
    for word in tokens.words(text):
        written += [text[place : word.start], corrections.get(word.text, word.text)]
        place = word.end
    return "".join([*written, text[place:]])
