"""What the linter finds begins and ends where a person would mark it."""

import re
from collections.abc import Iterator
from pathlib import Path

from desk import lint

DRAFTS = Path(__file__).with_name("test_lint_drafts.txt")
SHORT = {
    "mail": "send_elsewhere_mail",
    "phone": "send_elsewhere_phone",
    "form": "send_elsewhere_form",
    "blame": "blame_customer",
    "guarantee": "unverifiable_guarantee",
    "pii": "pii_out",
}
MARK = re.compile(r"\[\[(\w+):(.*?)\]\]")


def drafts() -> Iterator[tuple[str, set[tuple[str, str]], str | None]]:
    """The text of each draft, what is marked in it, and the time that is named."""
    for line in DRAFTS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            marked, _, due = line.partition(" due=")
            found = {(SHORT.get(kind, kind), words) for kind, words in MARK.findall(marked)}
            yield MARK.sub(r"\2", marked), found, due or None


def test_it_marks_what_a_person_marks() -> None:
    right = wrong = missed = 0
    for text, marked, _ in drafts():
        found: set[tuple[str, str]] = {
            (one.type, one.value) for one in lint.issues(text) if one.type != "mixed_address"
        }
        right += len(found & marked)
        wrong += len(found - marked)
        missed += len(marked - found)
    assert 2 * right / (2 * right + wrong + missed) >= 0.9


def test_little_is_said_of_a_clean_draft() -> None:
    clean = [text for text, marked, _ in drafts() if not marked]
    assert len(clean) > 80
    assert sum(bool(lint.issues(text)) for text in clean) <= len(clean) * 0.03


def test_times_are_cut_as_a_person_cuts_them() -> None:
    named = [(text, due) for text, _, due in drafts() if due]
    right = sum(any(one.due == due for one in lint.issues(text)) for text, due in named)
    assert right >= 0.85 * len(named)


def test_passed_on_to_somebody_who_answers_is_one_promise() -> None:
    text = "I've passed it to Ms Hollis, our gardener, and she'll write to you by Friday."
    found = lint.issues(text)
    assert [(one.type, one.value, one.due) for one in found] == [("promise", text, "by Friday")]


def test_passed_on_and_they_answer_some_day_are_two_things() -> None:
    kinds = [one.type for one in lint.issues("Ich hab's an die Technik gegeben, die melden sich.")]
    assert kinds == ["forwarded", "promise"]
