"""What the team tells itself beside a topic."""

from flask_babel import gettext

from accounts.models import User
from core import problems, texts
from core.db import db
from core.errors import NotAllowed
from forum import limits, policy
from forum.models import Note, Topic


def write(topic: Topic, *, text: str, by: User) -> Note:
    """Write a note that only the team reads; nobody is told of it and the topic does not move."""
    if not policy.may_write_notes(by):
        raise NotAllowed(gettext("Notes are for the team."))
    with problems.at("text"):
        text = texts.block(text.strip(), longest=limits.LONGEST_NOTE, shortest=limits.SHORTEST_REASON)
    note = Note(topic_id=topic.id, author_id=by.id, text=text)
    db.session.add(note)
    db.session.flush()
    return note
