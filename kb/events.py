"""What happens in the knowledge base, in the past tense."""

from dataclasses import dataclass

from core.outbox import Event


@dataclass(frozen=True, slots=True)
class ArticlePublished(Event):
    article_id: int
    revision_id: int
    by_id: int
    is_first: bool
