"""An article that begins with a conversation: what the customer asked and what was answered, without personal data."""

from typing import Any

from flask_babel import gettext

from accounts.models import User
from accounts.people import Viewer
from core.errors import NotFound
from desk import greetings, linking, policy, queries
from desk.models import Message
from forum import personal_data
from kb import articles, beginning, sentences
from kb.models import Article
from search.analysis import language


class Replies:
    """Articles that begin with a reply, named like `message-12`."""

    def begin(self, thing_id: int, *, viewer: Viewer) -> beginning.Beginning:
        """Return what the form begins with; raise `NotFound` where there is no such reply for this person."""
        reply, asked = _exchange(thing_id, viewer=viewer)
        question = "" if asked is None else _clean(asked.text, reply)
        answer = _clean(reply.text, reply)
        first = next(iter(sentences.split(" ".join((question or answer).split()))), "")
        fields: dict[str, Any] = {
            "title": first[: articles.LONGEST_TITLE],
            "locale": language.guess(reply.text, reply.conversation.locale),
            "symptoms": "\n".join(f"> {line}" for line in question.splitlines()),
            "resolution": answer,
        }
        return beginning.Beginning(
            fields=fields,
            label=gettext("Conversation at the desk"),
            url=f"/desk/conversations/{reply.conversation_id}#m{reply.id}",
            about=f"{question}\n{answer}",
        )

    def made(self, thing_id: int, article: Article, *, by: User) -> None:
        """Keep which conversation an article was made of."""
        reply, _asked = _exchange(thing_id, viewer=by)
        linking.link(reply.conversation, article.id, by=by, relation="made")


def _exchange(message_id: int, *, viewer: Viewer) -> tuple[Message, Message | None]:
    if not policy.may_work(viewer):
        raise NotFound
    reply = queries.visible_message(message_id, viewer=viewer)
    if reply.direction != "out":
        raise NotFound
    return reply, queries.asked_before(reply)


def _clean(text: str, reply: Message) -> str:
    """Return a text without greeting and personal data, and without the name that the channel knows."""
    contact = reply.conversation.contact
    return greetings.without(personal_data.redacted(text.strip()), names=[contact.name, contact.handle])


beginning.contribute("message", Replies())
