"""The clock of a conversation: since when a customer waits, and until when an answer was promised.

Nobody else sets `waiting_since` and `due_at`, so that the two never disagree.
"""

from datetime import datetime, timedelta

from core.settings import current_settings
from desk.models import Conversation


def run(conversation: Conversation, since: datetime) -> None:
    """Let the clock run from when the customer wrote."""
    conversation.waiting_since = since
    conversation.due_at = since + timedelta(minutes=current_settings().answer_within_minutes)


def stop(conversation: Conversation) -> None:
    """Stop the clock: nobody waits for us."""
    conversation.waiting_since = conversation.due_at = None


def run_again(conversation: Conversation, since: datetime, due: datetime) -> None:
    """Let the clock run on as it did before somebody stopped it and took that back."""
    conversation.waiting_since, conversation.due_at = since, due
