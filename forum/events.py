"""What happens in the forum, in the past tense."""

from dataclasses import dataclass

from core.outbox import Event


@dataclass(frozen=True, slots=True)
class TopicAsked(Event):
    topic_id: int


@dataclass(frozen=True, slots=True)
class AnswerPosted(Event):
    topic_id: int
    post_id: int


@dataclass(frozen=True, slots=True)
class CommentPosted(Event):
    topic_id: int
    post_id: int


@dataclass(frozen=True, slots=True)
class InfoWanted(Event):
    """The asker of a topic is asked for more in the comment `post_id`."""

    topic_id: int
    post_id: int


@dataclass(frozen=True, slots=True)
class PostEdited(Event):
    topic_id: int
    post_id: int


@dataclass(frozen=True, slots=True)
class AuthorChanged(Event):
    """The team says that somebody else wrote a post; `from_id` is None when that account was erased."""

    topic_id: int
    post_id: int
    from_id: int | None
    to_id: int
    by_id: int


@dataclass(frozen=True, slots=True)
class EditSuggested(Event):
    suggestion_id: int


@dataclass(frozen=True, slots=True)
class SuggestionDecided(Event):
    suggestion_id: int


@dataclass(frozen=True, slots=True)
class AnswerAccepted(Event):
    """`is_own` says that whoever asked wrote the answer: it helps everybody and earns nothing."""

    topic_id: int
    post_id: int
    by_id: int
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class AcceptanceUndone(Event):
    topic_id: int
    post_id: int
    by_id: int | None


@dataclass(frozen=True, slots=True)
class AnswerContradicted(Event):
    topic_id: int
    post_id: int


@dataclass(frozen=True, slots=True)
class ContradictionLifted(Event):
    """What people say of a solution does not speak against it any more."""

    topic_id: int
    post_id: int


@dataclass(frozen=True, slots=True)
class ObsolescenceChanged(Event):
    """The team said that a post is obsolete, or that it holds again."""

    topic_id: int
    post_id: int


@dataclass(frozen=True, slots=True)
class ObjectionRaised(Event):
    objection_id: int


@dataclass(frozen=True, slots=True)
class ObjectionAnswered(Event):
    objection_id: int


@dataclass(frozen=True, slots=True)
class TopicMuted(Event):
    topic_id: int


@dataclass(frozen=True, slots=True)
class TopicUnmuted(Event):
    topic_id: int


@dataclass(frozen=True, slots=True)
class PostMuted(Event):
    topic_id: int
    post_id: int


@dataclass(frozen=True, slots=True)
class CaseDecided(Event):
    case_id: int


@dataclass(frozen=True, slots=True)
class CaseReopened(Event):
    case_id: int


@dataclass(frozen=True, slots=True)
class PostUnmuted(Event):
    topic_id: int
    post_id: int


@dataclass(frozen=True, slots=True)
class TopicClosed(Event):
    topic_id: int


@dataclass(frozen=True, slots=True)
class TopicReopened(Event):
    topic_id: int


@dataclass(frozen=True, slots=True)
class TopicsMerged(Event):
    """`topic_id` is no more; what it had is in `into_id`."""

    topic_id: int
    into_id: int


@dataclass(frozen=True, slots=True)
class PostsMoved(Event):
    """Posts left `from_id`, which may be no more, for `topic_id`."""

    topic_id: int
    from_id: int
    post_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class VoteChanged(Event):
    """Somebody called a post helpful, or took it back."""

    post_id: int
    by_id: int
