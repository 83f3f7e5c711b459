"""What the desk does when it hears of something, in the worker."""

from core.outbox import listens_to
from desk import replies
from desk.events import ReplyQueued


@listens_to(ReplyQueued)
def deliver_reply(event: ReplyQueued) -> None:
    replies.send(event.message_id)
