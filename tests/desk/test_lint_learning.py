"""How the linter's model is made, and that the one that ships was made from the texts that ship."""

import json
from pathlib import Path

import numpy as np
import pytest
from flask import Flask

from desk import lint
from desk.lint import cli, doing, learnt, training
from desk.lint.reading import read


def test_the_model_was_made_from_the_drafts_beside_it() -> None:
    with np.load(learnt.FILE, allow_pickle=False) as file:
        assert file["texts"][0] == training.texts_seal(), "run `flask lint train`"


def test_every_draft_is_marked_as_the_learning_reads_it() -> None:
    drafts = training.invented()
    kinds = {*learnt.KINDS, "pii_out", "shouting"}
    assert {span.kind for draft in drafts for span in draft.spans} == kinds
    assert len({draft.text for draft in drafts}) == len(drafts)
    assert {draft.locale for draft in drafts} == {"de", "en"}
    for draft in drafts:
        assert not {"[[", "]]", "{", "}"} & {draft.text[at : at + 2] for at in range(len(draft.text))}
        assert all(span.due is None or span.due in draft.text[span.start : span.end] for span in draft.spans)


def test_what_is_learnt_is_written_and_read_alike(tmp_path: Path) -> None:
    drafts = training.invented()
    some = [draft for kind in learnt.KINDS for draft in [d for d in drafts if kind in {s.kind for s in d.spans}][:40]]
    secret = [draft for draft in drafts if draft.is_public and "pii_out" in {span.kind for span in draft.spans}][:40]
    found = training.train(some, secret)
    training.write(found, tmp_path / "model.npz")
    again = learnt.load(tmp_path / "model.npz")
    for draft in some:
        reading = read(draft.text)
        one, other = (doing.done(reading, each, is_public=draft.is_public) for each in (found, again))
        assert one == other
    assert sum(bool(lint.told_by(again, one.text, public=True, locale=None)) for one in some) > len(some) * 0.8


def test_the_command_says_what_is_missing(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = app.test_cli_runner()
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text(json.dumps({"text": "Hello", "issues": [{"type": "promise", "value": "Goodbye"}]}))
    monkeypatch.setattr(cli, "find_spec", lambda _name: None)
    answer = run.invoke(args=["lint", "train", str(wrong)])
    assert answer.exit_code == 1
    assert "Learning needs scikit-learn" in answer.output
    monkeypatch.setattr(cli, "find_spec", lambda _name: object())
    answer = run.invoke(args=["lint", "train", str(wrong)])
    assert answer.exit_code == 1
    assert "is not what can be learnt from" in answer.output


def test_the_command_learns_without_what_is_held_back(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    told = {
        "lang": "en",
        "public": True,
        "text": "I'll call you.",
        "issues": [{"type": "promise", "value": "I'll call"}],
    }
    given = tmp_path / "given.jsonl"
    given.write_text(json.dumps(told) + "\n")
    monkeypatch.setattr(cli, "find_spec", lambda _name: object())
    monkeypatch.setattr(
        training, "train", lambda drafts, more: (asked.extend([len(drafts), len(more)]), learnt.shipped())[1]
    )
    answer = app.test_cli_runner().invoke(args=["lint", "train", str(given), "--to", str(tmp_path / "m.npz")])
    assert answer.exit_code == 0, answer.output
    assert asked == [len(training.invented(held=False)), 1]
    assert learnt.load(tmp_path / "m.npz").clauses.base.shape == (len(learnt.KINDS),)
