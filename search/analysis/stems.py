"""Snowball stems: the forms of one word are one term."""

import threading

import Stemmer

from search.analysis.text import plain

_SNOWBALL = {"de": "german", "en": "english"}
_SHORTEST_STEMMED = 3

_of_this_thread = threading.local()  # a PyStemmer object must not be shared between threads


def stem(word: str, locale: str) -> str:
    """Return the stem of a folded word by the rules of `locale`, without accents.

    The German stemmer reads ae, oe and ue as umlauts, so "Passwoerter" and "Passwörter" meet. It must see the dots.
    """
    if locale != "de":
        word = plain(word)
    if len(word) < _SHORTEST_STEMMED or not word.isalpha():
        return plain(word)
    return plain(_stemmer(locale).stemWord(word))


def _stemmer(locale: str) -> Stemmer.Stemmer:
    stemmers: dict[str, Stemmer.Stemmer] = _of_this_thread.__dict__.setdefault("stemmers", {})
    if locale not in stemmers:
        # Terms are cached one level up, where all threads share them.
        stemmers[locale] = Stemmer.Stemmer(_SNOWBALL.get(locale, "english"), 0)
    return stemmers[locale]
