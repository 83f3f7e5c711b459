"""The same article in other languages, for search engines: whoever looks in German is to land on the German page."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from core.web import absolute
from kb import addresses
from kb.models import Article


class Translation(Protocol):
    """A published article in another language that everybody may read, and its path."""

    @property
    def locale(self) -> str: ...
    @property
    def url(self) -> str: ...


class Alternate(NamedTuple):
    """A language, or `x-default` for everybody else, and the whole address of its page."""

    lang: str
    url: str


def of(article: Article, siblings: Iterable[Translation]) -> Sequence[Alternate]:
    """Return the pages of an article and its translations, itself included, as search engines want it.

    The article is one that everybody may read. Each language leads to one page; none where there is one language.
    Whoever looks in another language gets English.
    """
    pages = {one.locale: one.url for one in siblings} | {article.locale: addresses.of_article(article)}
    if len(pages) == 1:
        return ()
    found = [Alternate(lang, absolute(path)) for lang, path in sorted(pages.items())]
    others = [Alternate("x-default", absolute(pages["en"]))] if "en" in pages else []
    return [*found, *others]
