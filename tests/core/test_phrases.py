"""A sentence that is kept is said in the language of whoever reads it."""

import copy
import json

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import select, text

from accounts.models import AuditEntry
from core import phrases
from core.db import db
from core.phrases import phrase

ABROAD = "Ümläute & „Zitate“ %(host)s <b>"


def kept_and_said(sentence: str, language: str) -> str:
    found = json.loads(json.dumps(phrases.kept(sentence)))
    with force_locale(language):
        return phrases.said(found)


def test_a_phrase_is_said_in_both_languages(app: Flask) -> None:
    with app.app_context(), force_locale("de"):
        sentence = phrase("%(host)s does not answer", host="mail.example")
        assert sentence == "mail.example antwortet nicht"
        assert kept_and_said(sentence, "en") == "mail.example does not answer"
        assert kept_and_said(sentence, "de") == "mail.example antwortet nicht"


def test_a_phrase_in_a_phrase_is_said_in_the_same_language(app: Flask) -> None:
    with app.app_context(), force_locale("de"):
        inner = phrase("%(host)s does not answer", host="mail.example")
        outer = phrase("Sending: %(reason)s", reason=inner)
        whole = phrases.joined(outer, " ", phrase("It came back.")) + f" ({ABROAD})"
        assert kept_and_said(whole, "en") == f"Sending: mail.example does not answer It came back. ({ABROAD})"
        assert kept_and_said(whole, "de") == whole
        assert whole != kept_and_said(whole, "en")


def test_a_lazy_phrase_can_be_kept(app: Flask) -> None:
    with app.app_context(), force_locale("de"):
        assert kept_and_said(str(phrases.lazy_phrase("It came back.")), "en") == "It came back."


def test_what_people_wrote_is_kept_as_it_is(app: Flask) -> None:
    with app.app_context():
        assert phrases.kept(ABROAD) == ABROAD
        assert phrases.said(ABROAD) == ABROAD
        assert phrases.said(None) == ""


@pytest.mark.parametrize(
    "found",
    [{}, {"words": ""}, {"words": "%(gone)s"}, {"words": "%(a)d", "values": {"a": "x"}}, {"words": "%", "values": [1]}],
)
def test_what_cannot_be_said_any_more_breaks_no_page(app: Flask, found: object) -> None:
    with app.app_context():
        assert isinstance(phrases.said(found), str)
        assert "Project-Id-Version" not in phrases.said(found)


def test_a_copy_still_knows_what_it_was_made_of(app: Flask) -> None:
    with app.app_context():
        sentence = phrase("%(host)s does not answer", host="mail.example")
        assert phrases.kept(copy.deepcopy(sentence)) == phrases.kept(sentence)


def test_a_column_says_it_to_each_reader_and_reads_what_was_kept_before(app: Flask) -> None:
    with app.app_context():
        old = "mail.example antwortet nicht"
        for number, reason in enumerate((phrase("%(host)s does not answer", host="mail.example"), old, "\x1e{}")):
            db.session.add(AuditEntry(deed="a.b.c", subject_kind="d", subject_id=number, reason=reason))
        db.session.commit()
        wanted = select(AuditEntry.reason).order_by(AuditEntry.subject_id)
        for language, words in (("en", "mail.example does not answer"), ("de", old)):
            with force_locale(language):
                assert list(db.session.scalars(wanted)) == [words, old, "{}"]
        db.session.execute(text("UPDATE audit_entry SET reason = :broken").bindparams(broken="\x1e{not json"))
        assert set(db.session.scalars(wanted)) == {"{not json"}
