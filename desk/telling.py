"""What webhooks are told of each event: ids and facts, and words only as far as an admin chose for that address."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import joinedload

from core.db import db
from core.outbox import listens_to
from core.transfer import iso
from core.web import absolute
from desk import webhooks
from desk.events import ConversationClosed, MessageReceived, PromiseMissed, ReplySent, WebhookQueued
from desk.models import Conversation, Message
from desk.promise_models import Promise
from desk.webhook_models import Words
from kb.events import ArticlePublished
from kb.models import Article


@listens_to(MessageReceived)
def tell_of_message(event: MessageReceived) -> None:
    _tell_of_message("message.received", event.message_id)


@listens_to(ReplySent)
def tell_of_reply(event: ReplySent) -> None:
    _tell_of_message("reply.sent", event.message_id)


@listens_to(ConversationClosed)
def tell_of_end(event: ConversationClosed) -> None:
    told = webhooks.listeners_to("conversation.closed")
    conversation = db.session.get(Conversation, event.conversation_id) if told else None
    if conversation is None:
        return
    for hook in told:
        webhooks.tell(
            hook,
            "conversation.closed",
            key=f"{conversation.id}:{event.at}",
            at=datetime.fromisoformat(event.at),
            data={**_of_conversation(conversation), "state": event.state},
            conversation_id=conversation.id,
        )


@listens_to(PromiseMissed)
def tell_of_promise(event: PromiseMissed) -> None:
    told = webhooks.listeners_to("promise.broken")
    promise = db.session.get(Promise, event.promise_id) if told else None
    if promise is None:
        return
    for hook in told:
        said = {"promise": {"id": promise.id, "due": iso(promise.due_at)}}
        if hook.words == "all":
            said["promise"]["what"] = promise.what
        webhooks.tell(
            hook,
            "promise.broken",
            key=str(promise.id),
            at=promise.due_at,
            data={**_of_conversation(promise.conversation), **said},
            conversation_id=promise.conversation_id,
        )


@listens_to(ArticlePublished)
def tell_of_article(event: ArticlePublished) -> None:
    """Tell of an article that guests can read; what is for the team alone stays in the house."""
    told = webhooks.listeners_to("article.published")
    article = db.session.get(Article, event.article_id) if told else None
    if article is None or article.audience != "public" or article.published is None:
        return
    for hook in told:
        webhooks.tell(
            hook,
            "article.published",
            key=f"{article.id}:{event.revision_id}",
            at=article.published.at,
            data={
                "article": {
                    "id": article.id,
                    "locale": article.locale,
                    "url": absolute(f"/kb/{article.id}"),
                    "title": article.published.title,
                },
                "is_first": event.is_first,
                "significance": event.significance,
            },
        )


@listens_to(WebhookQueued)
def send(event: WebhookQueued) -> None:
    webhooks.send(event.delivery_id)


def _tell_of_message(event: str, message_id: int) -> None:
    told = webhooks.listeners_to(event)
    if not told:
        return
    message = db.session.get(Message, message_id, options=[joinedload(Message.conversation)])
    if message is None:
        return
    for hook in told:
        webhooks.tell(
            hook,
            event,
            key=str(message.id),
            at=message.sent_at or message.received_at,
            data={**_of_conversation(message.conversation), "message": _of_message(message, hook.words)},
            conversation_id=message.conversation_id,
        )


def _of_message(message: Message, words: Words) -> dict[str, Any]:
    said: dict[str, Any] = {"id": message.id, "public": message.is_public, "created": iso(message.created_at)}
    if words == "all" or (words == "public" and message.is_public):
        said["text"] = message.text
        if message.contact is not None:
            said["contact"] = {"handle": message.contact.handle, "name": message.contact.name}
    return said


def _of_conversation(conversation: Conversation) -> Mapping[str, Any]:
    return {
        "conversation": {
            "id": conversation.id,
            "channel": conversation.channel.slug,
            "state": conversation.state,
            "locale": conversation.locale,
            "url": absolute(f"/desk/conversations/{conversation.id}"),
        }
    }
