"""Words that mean the same, as the query reads them."""

import pytest
from sqlalchemy import insert, update

from core.db import db
from core.errors import Invalid
from search import synonyms
from search.models import Synonym, SynonymVersion
from tests.cast import World


def mean_the_same(*words: str, locale: str | None = "en", is_one_way: bool = False) -> None:
    db.session.add(Synonym(words=list(words), locale=locale, is_one_way=is_one_way))
    db.session.flush()
    synonyms.changed()


def test_each_word_leads_to_the_others(world: World) -> None:
    mean_the_same("Wi-Fi", "WLAN", "wireless network")
    assert synonyms.expansions("wlan", "en") == ("Wi-Fi", "wireless network")
    assert synonyms.expansions("WIRELESS  network", "en") == ("Wi-Fi", "WLAN")
    assert synonyms.expansions("wi fi", "en") == ("WLAN", "wireless network")
    assert synonyms.expansions("cable", "en") == ()
    assert synonyms.expansions("", "en") == ()
    assert dict(synonyms.all_of("en")) == {
        "wi fi": ("WLAN", "wireless network"),
        "wlan": ("Wi-Fi", "wireless network"),
        "wireless network": ("Wi-Fi", "WLAN"),
    }


def test_one_way_leads_from_the_first_word_only(world: World) -> None:
    mean_the_same("phone", "mobile", "landline", is_one_way=True)
    assert synonyms.expansions("phone", "en") == ("mobile", "landline")
    assert synonyms.expansions("mobile", "en") == ()


def test_a_language_has_its_own_words_and_those_of_every_language(world: World) -> None:
    mean_the_same("Handy", "Mobiltelefon", locale="de")
    mean_the_same("Birke", "BRK-3", locale=None)
    assert synonyms.expansions("handy", "de") == ("Mobiltelefon",)
    assert synonyms.expansions("handy", "en") == ()
    assert synonyms.expansions("birke", "de") == synonyms.expansions("birke", "en") == ("BRK-3",)
    assert synonyms.all_of("xx") == {}


def test_a_word_in_two_groups_leads_to_both(world: World) -> None:
    mean_the_same("bill", "invoice")
    mean_the_same("Bill", "receipt", "Invoice")
    assert synonyms.expansions("bill", "en") == ("Invoice", "receipt")


def test_umlauts_and_sharp_s_are_compared_folded(world: World) -> None:
    mean_the_same("Straße", "Weg", locale="de")
    assert synonyms.expansions("STRASSE", "de") == ("Weg",)


def test_what_another_process_changed_is_noticed_within_seconds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mean_the_same("bill", "invoice")
    assert synonyms.expansions("bill", "en") == ("invoice",)
    db.session.execute(update(Synonym).values(words=["bill", "receipt"]))
    db.session.execute(update(SynonymVersion).values(mark="of the other process"))
    assert synonyms.expansions("bill", "en") == ("invoice",), "it is not asked every time"
    monkeypatch.setattr(synonyms, "CHECK_SECONDS", 0.0)
    assert synonyms.expansions("bill", "en") == ("receipt",)


def test_an_unchanged_book_is_not_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mean_the_same("bill", "invoice")
    monkeypatch.setattr(synonyms, "CHECK_SECONDS", 0.0)
    book = synonyms.all_of("en")
    db.session.execute(insert(Synonym).values(words=["a", "b"], is_one_way=False, locale="en"))
    assert synonyms.all_of("en") is book, "the version says that nothing changed"


def test_words_are_kept_clean_and_once(world: World) -> None:
    assert synonyms.checked(["  Wi-Fi ", "wi fi", "WLAN", "", "?"]) == ["Wi-Fi", "WLAN"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "two words"),
        (["only", "ONLY"], "two words"),
        ([f"word {number}" for number in range(21)], "At most 20"),
        (["fine", "x" * 81], "Too long"),
        (["fine", "bad\0word"], "control"),
    ],
)
def test_what_is_no_group_is_refused_at_its_field(world: World, words: list[str], sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence) as refusal:
        synonyms.checked(words)
    assert set(refusal.value.fields) == {"words"}
