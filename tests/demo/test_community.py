"""What the community says: it keeps every limit that a person would have to keep, and reads well in both languages."""

import json
import re
from collections import Counter
from typing import Any

import pytest

from desk.channels import measure
from forum import limits
from forum.models import LONGEST_TITLE, SHORTEST_TITLE
from kb.faces import LIMITS
from tests.demo.conftest import load

LINES = load.COMMUNITY.read_text(encoding="utf-8").splitlines()
RECORDS: list[dict[str, Any]] = [json.loads(line) for line in LINES]
ADDRESS = 70
"""The room that an article's address takes, generously."""


def of_type(name: str) -> list[dict[str, Any]]:
    return [record for record in RECORDS if record["type"] == name]


def posts(topic: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the posts of a topic with their kinds."""
    answers = topic["answers"]
    comments = [comment for answer in answers for comment in answer["comments"]] + topic.get("comments", [])
    return [
        ("question", topic),
        *(("answer", answer) for answer in answers),
        *(("comment", comment) for comment in comments),
    ]


def prose(text: str) -> str:
    """Return the text without code and addresses."""
    return re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)


def german_texts() -> list[str]:
    found = [post["body"] for topic in of_type("topic") if topic["locale"] == "de" for _kind, post in posts(topic)]
    found += [topic["title"] for topic in of_type("topic") if topic["locale"] == "de"]
    for article in of_type("article"):
        if article["locale"] == "de":
            found += [article["title"], article["summary"], article.get("symptoms", ""), article["body"]]
            found += article.get("faces", {}).values()
    return found


def test_the_file_is_small() -> None:
    assert load.COMMUNITY.stat().st_size < 200_000


def test_both_languages_are_at_home() -> None:
    topics = Counter(topic["locale"] for topic in of_type("topic"))
    articles = Counter(article["locale"] for article in of_type("article"))
    assert topics == {"de": 20, "en": 14}
    assert articles == {"de": 7, "en": 6}


def test_every_state_of_a_question_occurs() -> None:
    states = Counter(
        "solved" if any(answer["accepted"] for answer in topic["answers"]) else len(topic["answers"]) > 0
        for topic in of_type("topic")
    )
    assert states["solved"] > 10
    assert states[True] > 5
    assert states[False] > 3


@pytest.mark.parametrize("topic", of_type("topic"), ids=lambda topic: topic["id"])
def test_every_topic_keeps_the_limits(topic: dict[str, Any]) -> None:
    assert SHORTEST_TITLE <= len(topic["title"]) <= LONGEST_TITLE
    assert limits.tags(topic["tags"]) == topic["tags"]
    for kind, post in posts(topic):
        assert limits.SHORTEST_SOURCE[kind] <= len(post["body"]) <= limits.LONGEST_SOURCE[kind], post["id"]


@pytest.mark.parametrize("topic", of_type("topic"), ids=lambda topic: topic["id"])
def test_nothing_is_said_before_what_it_replies_to(topic: dict[str, Any]) -> None:
    for answer in topic["answers"]:
        assert answer["created"] > topic["created"]
        assert answer.get("accepted_at", answer["created"]) >= answer["created"]
        assert all(comment["created"] > answer["created"] for comment in answer["comments"])
    assert all(comment["created"] > topic["created"] for comment in topic.get("comments", []))


def test_nobody_accepts_or_comments_on_behalf_of_nobody() -> None:
    people = {user["id"] for user in of_type("user")}
    for topic in of_type("topic"):
        assert {post["author"] for _kind, post in posts(topic)} <= people


def test_every_face_fits_together_with_an_address() -> None:
    for article in of_type("article"):
        for kind, text in article.get("faces", {}).items():
            assert len(text) + ADDRESS <= LIMITS[kind], f"{article['id']} {kind}"


def test_every_message_fits_its_channel() -> None:
    for conversation in of_type("conversation"):
        fits = measure(conversation["channel"], {"limit": 280} if conversation["channel"] == "marktplatz" else {}).fits
        assert all(fits(message["text"]) for message in conversation["messages"]), conversation["id"]


def test_german_is_set_as_german_is() -> None:
    for text in german_texts():
        plain = prose(text)
        assert '"' not in plain, text
        assert "“" not in re.sub(r"„[^„“]*“", "", plain), text
        assert "„" not in re.sub(r"„[^„“]*“", "", plain), text
        assert not re.search(r" - |'|\.\.\.", plain), text
        assert not re.search(r"\b(?:du|dich|dir|dein\w*|euch|euer)\b", plain, re.IGNORECASE), text


def test_addresses_lead_nowhere_real() -> None:
    for host in re.findall(r"[a-z]+://([\w.-]+)", "\n".join(LINES)):
        assert host.endswith(".example") or host.startswith("192.168."), host
    for address in re.findall(r"[\w.-]+@([\w-]+(?:\.[\w-]+)+)", "\n".join(LINES)):
        assert address.endswith(".example"), address
