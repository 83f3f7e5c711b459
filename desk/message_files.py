"""Pictures and files that came with messages, and what messages said before they were changed at their service."""

from collections.abc import Mapping, Sequence

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import undefer

from accounts.people import Viewer
from core.db import LARGEST_ID, db
from core.errors import NotFound
from desk import queries
from desk.channel_models import MessageFile, MessageVersion
from desk.models import Conversation, Message


def of(conversation: Conversation) -> Mapping[int, Sequence[MessageFile]]:
    """Return by message what came with it, without what is in it."""
    found: dict[int, list[MessageFile]] = {}
    here = select(Message.id).where(Message.conversation_id == conversation.id)
    for file in db.session.scalars(
        select(MessageFile).where(MessageFile.message_id.in_(here)).order_by(MessageFile.id)
    ):
        found.setdefault(file.message_id, []).append(file)
    return found


def earlier_words(messages: Sequence[Message]) -> Mapping[int, Sequence[MessageVersion]]:
    """Return by message what it said before, the newest first; nothing is asked where none was changed."""
    changed = [message.id for message in messages if message.edited_at is not None]
    found: dict[int, list[MessageVersion]] = {}
    if changed:
        versions = select(MessageVersion).where(MessageVersion.message_id.in_(changed))
        for version in db.session.scalars(versions.order_by(MessageVersion.id.desc())):
            found.setdefault(version.message_id, []).append(version)
    return found


def visible_file(file_id: int, *, viewer: Viewer) -> MessageFile:
    """Return a file with its content; raise `NotFound` when there is none that the viewer may see."""
    found = None
    if 0 < file_id <= LARGEST_ID:
        found = db.session.scalars(
            select(MessageFile)
            .join(Message, Message.id == MessageFile.message_id)
            .join(Conversation, Conversation.id == Message.conversation_id)
            .where(MessageFile.id == file_id, queries.conversations_visible_to(viewer))
            .options(undefer(MessageFile.content))
        ).one_or_none()
    if found is None:
        raise NotFound(gettext("There is no such file."))
    return found
