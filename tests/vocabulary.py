"""What search engines want of structured data, and a reader that complains.

Facts, looked up in November 2026:

- developers.google.com/search/docs/appearance/structured-data/qapage: QAPage needs `mainEntity`; Question needs
  `answerCount`, `name`, and one of `acceptedAnswer` and `suggestedAnswer`; Answer needs `text`. Recommended are
  `author`, `author.url`, `datePublished`, `dateModified`, `text`, `upvoteCount`, and of an Answer `url`. There is one
  accepted answer at most.
- developers.google.com/search/docs/appearance/structured-data/article: nothing is required; recommended are `author`,
  `author.name`, `author.url`, `dateModified`, `datePublished`, `headline`, `image`.
- schema.org: what each type knows, and of which kind its values are (`isBasedOn`, `inLanguage` of CreativeWork).
- Times are ISO 8601 with a time zone; addresses are whole.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

_SCRIPT = re.compile(r'<script type="application/ld\+json">(.*?)</script>', re.DOTALL)


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\0" not in value


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _moment(value: Any) -> bool:
    return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None


def _address(value: Any) -> bool:
    return isinstance(value, str) and urlsplit(value).scheme in {"http", "https"} and bool(urlsplit(value).netloc)


def _some(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: all(map(check, value)) and bool(value) if isinstance(value, list) else check(value)


def _kind(*kinds: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and value.get("@type") in kinds


_ABOUT: Final[Mapping[str, Callable[[Any], bool]]] = {
    "author": _some(_kind("Person", "Organization")),
    "datePublished": _moment,
    "dateModified": _moment,
    "inLanguage": lambda value: value in {"de", "en"},
    "text": _text,
    "upvoteCount": _count,
    "url": _address,
}
KNOWN: Final[Mapping[str, Mapping[str, Callable[[Any], bool]]]] = {
    "QAPage": {"mainEntity": _kind("Question")},
    "Question": {
        **_ABOUT,
        "name": _text,
        "answerCount": _count,
        "acceptedAnswer": _kind("Answer"),
        "suggestedAnswer": _some(_kind("Answer")),
    },
    "Answer": _ABOUT,
    "Person": {"name": _text, "url": _address},
    "Organization": {"name": _text, "url": _address},
    "TechArticle": {
        **_ABOUT,
        "headline": lambda value: _text(value) and len(value) <= 110,
        "description": _text,
        "articleSection": _text,
        "keywords": _text,
        "publisher": _kind("Organization"),
        "isBasedOn": _some(_address),
        "image": _some(_address),
    },
}
REQUIRED: Final = {
    "QAPage": ("mainEntity",),
    "Question": ("answerCount", "name", "text", "upvoteCount", "datePublished"),
    "Answer": ("text", "url", "upvoteCount", "datePublished"),
    "Person": ("name", "url"),
    "Organization": ("name", "url"),
    "TechArticle": ("headline", "datePublished", "dateModified", "author", "publisher", "inLanguage"),
}
"""What must be there, the recommended included that we always know. An author there is, unless the account is gone."""


def told(page: str) -> list[dict[str, Any]]:
    """Return what a page tells search engines, as they read it."""
    return [json.loads(found) for found in _SCRIPT.findall(page)]


def complaints(thing: dict[str, Any], *, is_outermost: bool = True) -> Iterator[str]:
    """Yield what a search engine would complain about."""
    if is_outermost and thing.get("@context") != "https://schema.org":
        yield "no context"
    kind = thing.get("@type")
    if kind not in KNOWN:
        yield f"unknown type {kind}"
        return
    yield from (f"{kind} lacks {name}" for name in REQUIRED[kind] if name not in thing)
    if kind == "Question" and not {"acceptedAnswer", "suggestedAnswer"} & set(thing):
        yield "Question lacks an answer"
    for name, value in thing.items():
        if not name.startswith("@"):
            yield from _about(kind, name, value)


def _about(kind: str, name: str, value: Any) -> Iterator[str]:
    check = KNOWN[kind].get(name)
    if check is None or not check(value):
        yield f"{kind}.{name} is {value!r}"
    for inner in value if isinstance(value, list) else [value]:
        if isinstance(inner, dict):
            yield from complaints(inner, is_outermost=False)
