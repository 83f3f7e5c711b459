"""What search engines are told of an article: what it is, who is credited, and the questions that it was made from."""

from collections.abc import Iterable
from typing import Final

from accounts.models import User
from core import markup
from core.linked_data import Thing, moment, thing
from core.settings import current_settings
from core.web import absolute
from forum.linked_data import person
from kb.models import Article, Revision

LONGEST_HEADLINE: Final = 110
"""What search engines show of a headline."""
LONGEST_DESCRIPTION: Final = 300


def of_article(article: Article, words: Revision, *, credited: Iterable[User], threads: Iterable[str]) -> Thing | None:
    """Return the article; None where these are not the words that everybody may read.

    `credited` are those who may be named: where nobody is left the house itself speaks. `threads` are the paths of the
    questions behind it that a guest may open.
    """
    if article.audience != "public" or not article.is_published or words.id != article.published_id:
        return None
    settings = current_settings()
    house = thing("Organization", name=settings.site_name, url=absolute("/"))
    authors = [person(user) for user in credited] or [house]
    based_on = [absolute(path) for path in threads]
    return thing(
        "TechArticle",
        headline=markup.excerpt(words.title, LONGEST_HEADLINE),
        description=markup.excerpt(words.summary, LONGEST_DESCRIPTION),
        inLanguage=article.locale,
        articleSection=article.section.name,
        keywords=", ".join(words.keywords),
        datePublished=moment(article.published_at or words.at),
        dateModified=moment(words.at),
        author=authors[0] if len(authors) == 1 else authors,
        publisher=house,
        isBasedOn=based_on[0] if len(based_on) == 1 else based_on,
        image=[absolute(f"/uploads/{name}") for name in sorted(markup.pictures(words.resolution_html))],
    )
