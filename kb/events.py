"""What happens in the knowledge base, in the past tense."""

from dataclasses import dataclass

from core.outbox import Event


@dataclass(frozen=True, slots=True)
class ArticlePublished(Event):
    article_id: int
    revision_id: int
    by_id: int
    is_first: bool
    significance: str = "content"
    """`typo`, `content` or `instructions`: how much it changed for readers."""


@dataclass(frozen=True, slots=True)
class ReadershipChanged(Event):
    """An article was withdrawn, or is for others now."""

    article_id: int
