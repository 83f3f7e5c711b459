"""What changed between two versions, told in bearable time for any two texts."""

import random
import time

import pytest

from core.diffs import SHOWN_CONTEXT, Piece, compare


def rebuilt(pieces: list[Piece], side: str) -> str:
    return "".join(piece.text for piece in pieces if piece.kind in {"same", side})


def test_a_changed_word_is_shown_as_one_word() -> None:
    assert compare("Press the red button.\nThen wait.\n", "Press the green button.\nThen wait.\n") == [
        Piece("same", "Press the "),
        Piece("removed", "red"),
        Piece("added", "green"),
        Piece("same", " button.\nThen wait.\n"),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [("", "new"), ("old", ""), ("", ""), ("a\nb\nc", "a\nc"), ("same", "same"), ("ä 𝄞", "a 𝄞 b"), ("\r\n", "\n\n")],
)
def test_the_pieces_give_both_texts_back(before: str, after: str) -> None:
    pieces = compare(before, after)
    assert rebuilt(pieces, "removed") == before
    assert rebuilt(pieces, "added") == after


def test_what_stayed_is_shortened_to_the_surroundings_of_a_change() -> None:
    long = "".join(f"Line {number} stays.\n" for number in range(200))
    pieces = compare(long + "old\n" + long, long + "new\n" + long)
    assert [piece.kind for piece in pieces] == ["same", "removed", "added", "same"]
    assert all(len(piece.text) <= SHOWN_CONTEXT + 3 for piece in pieces)
    assert pieces[0].text.endswith("Line 199 stays.\n")
    assert pieces[-1].text.lstrip("\n").startswith("Line 0 stays.")


def texts(kind: str) -> tuple[str, str]:
    randomly = random.Random(kind)  # noqa: S311 -- test data, not a secret
    if kind == "lines":
        return "\n" * 32_000, "a\n" * 16_000
    if kind == "few words":
        return tuple("".join(randomly.choices("ab \n", k=32_000)) for _ in range(2))  # type: ignore[return-value]  # two of them
    if kind == "many lines":
        return tuple("\n".join(str(randomly.randrange(400)) for _ in range(8_000)) for _ in range(2))  # type: ignore[return-value]  # two of them
    return "x" * 32_000, "y " * 16_000


@pytest.mark.parametrize("kind", ["lines", "few words", "many lines", "one word"])
def test_hostile_texts_cost_no_more_than_a_moment(kind: str) -> None:
    before, after = texts(kind)
    start = time.process_time()
    compare(before, after)
    assert time.process_time() - start < 2
