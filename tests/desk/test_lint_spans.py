"""What the linter finds begins and ends where a person marked it, in invented drafts that it was not made from."""

from collections import Counter

import numpy as np

from desk import lint
from desk.lint import beside, learnt, private, training
from desk.lint.reading import read
from desk.lint.training import Marked, Span


def told(draft: Marked) -> list[Span]:
    found = lint.issues(draft.text, public=draft.is_public, locale=draft.locale)
    return [Span(one.type, one.start, one.end, one.due) for one in found if one.type != "mixed_address"]


def f1(counts: Counter[str]) -> float:
    return 2 * counts["right"] / (2 * counts["right"] + counts["wrong"] + counts["missed"])


def test_it_finds_what_a_person_marked() -> None:
    counts: dict[str, Counter[str]] = {}
    for draft in training.invented(held=True):
        left = list(draft.spans)
        for one in told(draft):
            same = [label for label in left if label.kind == one.kind and label.start < one.end > label.start]
            same = [label for label in same if one.start < label.end]
            counts.setdefault(one.kind, Counter())["right" if same else "wrong"] += 1
            for label in same[:1]:
                left.remove(label)
        for label in left:
            counts.setdefault(label.kind, Counter())["missed"] += 1
    assert f1(sum(counts.values(), Counter())) >= 0.83
    assert {kind for kind, each in counts.items() if f1(each) < 0.58} == set()


def test_it_marks_it_to_the_letter() -> None:
    counts = Counter[str]()
    for draft in training.invented(held=True):
        marked = {span[:3] for span in draft.spans}
        found = {span[:3] for span in told(draft)}
        counts.update(right=len(found & marked), wrong=len(found - marked), missed=len(marked - found))
    assert f1(counts) >= 0.56


def test_little_is_said_of_a_clean_draft() -> None:
    clean = [draft for draft in training.invented(held=True) if not draft.spans]
    assert len(clean) > 80
    assert sum(bool(told(draft)) for draft in clean) <= len(clean) * 0.23


def test_times_are_cut_as_a_person_cuts_them() -> None:
    named = [(draft, span) for draft in training.invented(held=True) for span in draft.spans if span.due]
    found = [
        (one.due, span.due)
        for draft, span in named
        for one in told(draft)
        if one.kind == "promise" and one.start < span.end and span.start < one.end
    ]
    assert len(found) > len(named) * 0.7
    assert sum(one == other for one, other in found) >= 0.62 * len(found)


def test_passed_on_to_somebody_who_answers_is_one_promise() -> None:
    text = "I've passed it to Ms Hollis, our gardener, and she'll write to you by Friday."
    found = lint.issues(text)
    assert [(one.type, one.value, one.due) for one in found] == [("promise", text, "by Friday")]


def test_passed_on_and_they_answer_some_day_are_two_things() -> None:
    kinds = [one.type for one in lint.issues("Ich hab's an die Technik gegeben, die melden sich.")]
    assert kinds == ["forwarded", "promise"]


def test_two_promises_with_two_times_are_two() -> None:
    found = lint.issues("Wir prüfen das bis Montag, und Sie bekommen Ihr Geld bis Freitag zurück.")
    assert [(one.type, one.due) for one in found] == [("promise", "bis Montag"), ("promise", "bis Freitag")]


def test_a_certainty_is_no_promise_too() -> None:
    found = lint.issues("Das wird garantiert nie wieder passieren.")
    assert [one.type for one in found] == ["unverifiable_guarantee"]


def test_what_hangs_on_and_is_a_clause_of_its_own() -> None:
    text = "We had a look and the valve is fine. Ich prüfe das und melde mich dann morgen. Salt and pepper."
    assert [clause.part.words for clause in read(text).clauses()] == [
        "We had a look",
        "and the valve is fine",
        "Ich prüfe das",
        "und melde mich dann morgen",
        "Salt and pepper",
    ]


def test_the_second_look_sees_neighbours_of_the_same_sentence() -> None:
    clauses = read("One, two. Three.").clauses()
    scores = np.array([[1, 4], [2, 5], [3, 6]], dtype=np.float32)
    known = beside.features(clauses, scores)
    assert known.shape[:2] == (2, 3)
    own, before, behind = known[0, :, 0], known[0, :, 1], known[0, :, 2]
    assert own.tolist() == [1, 2, 3]
    assert before.tolist() == [beside.NOBODY, 1, beside.NOBODY]
    assert behind.tolist() == [2, beside.NOBODY, beside.NOBODY]
    assert known[1, :, 0].tolist() == [4, 5, 6]


def test_a_number_is_known_by_the_word_beside_it() -> None:
    text = "Your booking code KX4RT9 is confirmed, and KX4RT9M2 is a lamp."
    assert [text[one.start : one.end] for one in private.shapes(text).found] == ["KX4RT9"]


def test_what_one_breath_tells_of_a_person_is_one_place() -> None:
    every = learnt.Model(
        np.ones(learnt.PLACES, dtype=np.float32),
        np.zeros((learnt.PLACES, 1), dtype=np.float32),
        np.array([9], dtype=np.float32),
        np.array([0.5], dtype=np.float32),
    )
    text = "Gemeint ist Birkenallee 12, 0171 5550123. 05.04.1963 war nie gemeint."
    assert [text[start:end] for start, end in private.pii(text, [], every)] == [
        "Birkenallee 12, 0171 5550123",
        "05.04.1963",
    ]
