"""What may help with a message: articles and answers that every reader may see, as texts that fit the channel."""

import pytest

from accounts.people import AnonymousUser
from core.counting import characters, graphemes, mastodon, weighted
from core.db import db
from desk import suggestions
from desk.channels.counting import measure
from desk.models import Channel
from forum import answers, moderation
from forum.models import Topic
from kb import articles, uses
from kb.models import Article
from search import indexer
from tests.cast import World
from tests.desk import stage as props
from tests.kb.shelf import Shelf

ASKED = "Hi there, since yesterday's update my wireless is simply gone and I do not know what to do. Any ideas?"


@pytest.fixture
def article(world: World) -> Article:
    return Shelf(world).published()


@pytest.fixture
def solved(world: World) -> Topic:
    return world.solved(title="The wireless network disappears at night")


def index() -> None:
    db.session.commit()
    while indexer.catch_up():
        pass


def suggest(
    world: World, text: str = ASKED, channel: Channel | str = "mastodon", **about: object
) -> list[suggestions.Suggestion]:
    index()
    return suggestions.suggest_for(text, channel=channel, viewer=about.pop("viewer", world.dora), **about)  # type: ignore[arg-type]


def test_a_natural_question_finds_the_article_and_the_accepted_answer(
    world: World, article: Article, solved: Topic
) -> None:
    found = suggest(world)
    assert {(each.kind, each.id) for each in found} == {
        ("article", article.id),
        ("answer", solved.acceptance.post_id),  # type: ignore[union-attr]
    }
    for each in found:
        assert each.url.startswith("http://localhost/")
        assert each.url in each.text
        assert each.fits
        assert each.length == mastodon(each.text) <= each.limit == 500  # type: ignore[operator]
        assert each.why
        assert each.score > 0


def test_an_answer_is_quoted_with_its_own_address(world: World, solved: Topic) -> None:
    answer = suggest(world)[0]
    assert answer.text == f"Restart it, then choose channel 6. http://localhost/p/{answer.id}"
    assert answer.title == solved.title
    assert any("Solved" in reason for reason in answer.why)


def test_a_question_nobody_solved_is_no_help(world: World) -> None:
    topic = world.ask(title="The wireless network disappears at night")
    world.answer(topic)
    assert suggest(world) == []


def test_what_guests_may_not_read_is_not_suggested_even_to_admins(
    world: World, article: Article, solved: Topic
) -> None:
    article.audience = "team"
    moderation.mute(solved, by=world.ada, reason="private data")
    assert suggest(world, viewer=world.root) == []


def test_a_muted_answer_is_gone_before_the_index_hears_of_it(world: World, solved: Topic) -> None:
    assert len(suggest(world)) == 1
    moderation.mute(solved.acceptance.post, by=world.ada, reason="wrong")  # type: ignore[union-attr]
    db.session.commit()
    assert suggestions.suggest_for(ASKED, channel="mastodon", viewer=world.dora) == []


def test_a_withdrawn_article_is_gone(world: World, article: Article) -> None:
    articles.withdraw(article, by=world.emil, reason="outdated")
    assert suggest(world) == []


def test_drafts_are_not_suggested(world: World) -> None:
    Shelf(world).article()
    assert suggest(world) == []


def test_nothing_is_suggested_to_those_outside_the_team(world: World, article: Article) -> None:
    for viewer in (world.alice, world.tina, AnonymousUser()):
        assert suggest(world, viewer=viewer) == []


@pytest.mark.parametrize(
    ("service", "limit"), [("mastodon", 500), ("x", 280), ("bluesky", 300), ("facebook", 8000), ("mail", None)]
)
def test_each_service_gets_a_text_that_fits_it(
    world: World, article: Article, solved: Topic, service: str, limit: int | None
) -> None:
    long = world.answer(solved, "Very long wireless advice. " * 70)
    answers.accept(long, by=solved.asker)
    for each in suggest(world, channel=service):
        assert each.limit == limit
        assert each.fits
        assert each.length == measure(service).count(each.text)
        assert limit is None or each.length <= limit
        assert each.text.endswith(each.url)


def test_a_channel_of_ones_own_has_its_own_limit(world: World, article: Article, solved: Topic) -> None:
    tiny = props.channel(world, "tiny", limit=45)
    for each in suggest(world, channel=tiny):
        assert each.limit == 45
        assert each.fits == (each.length <= 45)
    nothing_fits = props.channel(world, "nothing", limit=5)
    assert [each.fits for each in suggest(world, channel=nothing_fits)] == [False, False]
    assert all(each.text == each.url for each in suggest(world, channel=nothing_fits))


def test_every_reason_is_told(world: World, article: Article) -> None:
    article.confidence = "validated"
    for number in (1, 2):
        uses.record(article, face=None, where_kind="message", where_id=number, by=world.dora)
    why = suggest(world)[0].why
    assert any("wireless" in reason for reason in why)
    assert {"Checked", "In the customer’s language", "Used 2 times"} <= set(why)


def test_the_other_language_is_found_and_not_called_the_customers(world: World, article: Article) -> None:
    found = suggest(world, "wireless update", locale="de")
    assert [each.id for each in found] == [article.id]
    assert "In the customer’s language" not in found[0].why


def test_no_more_than_wanted(world: World, article: Article, solved: Topic) -> None:
    assert len(suggest(world, limit=1)) == 1


@pytest.mark.parametrize("text", ["", "   ", "?!", "“", "*:* OR (", "a" * 20_000, "\n" * 500])
def test_no_text_breaks_it(world: World, article: Article, text: str) -> None:
    assert isinstance(suggest(world, text), list)


def test_what_is_inserted_without_a_script_is_what_the_card_shows(
    world: World, article: Article, solved: Topic
) -> None:
    for each in suggest(world):
        assert suggestions.text_of(each.kind, each.id, channel="mastodon") == each.text
    article.audience = "team"
    moderation.mute(solved, by=world.ada, reason="private data")
    db.session.flush()
    for kind, thing_id in (
        ("article", article.id),
        ("answer", solved.acceptance.post_id),
        ("topic", 1),
        ("article", 0),
    ):  # type: ignore[union-attr]
        assert suggestions.text_of(kind, thing_id, channel="mastodon") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (0, 0, 0, 0)),
        ("abc", (3, 3, 3, 3)),
        ("Schöne Grüße", (12, 12, 12, 12)),
        ("Scho\u0308ne", (7, 6, 6, 6)),
        ("日本", (2, 2, 2, 4)),
        ("👋🏽", (2, 1, 1, 2)),
        ("👨‍👩‍👧", (5, 1, 1, 2)),
        ("🇩🇪🇫🇷", (4, 2, 2, 4)),
        ("❤️", (2, 1, 1, 2)),
        ("a\nb", (3, 3, 3, 3)),
        ("see https://help.example/t/12-a-very-long-title-of-a-topic", (58, 58, 27, 27)),
        ("https://a.example https://b.example", (35, 35, 47, 47)),
        ("Hi @max@social.example!", (23, 23, 8, 23)),
        ("mail max@social.example", (23, 23, 23, 23)),
    ],
)
def test_services_count_in_their_own_ways(text: str, expected: tuple[int, int, int, int]) -> None:
    assert (characters(text), graphemes(text), mastodon(text), weighted(text)) == expected


@pytest.mark.parametrize(
    ("slug", "settings", "limit", "count"),
    [
        ("mastodon", {}, 500, 23),
        ("mastodon-de", {}, 500, 23),
        ("unheard-of", {}, 500, 60),
        ("mail", {}, None, 60),
        ("mastodon", {"limit": 1000}, 1000, 23),
        ("mastodon", {"limit": 0}, None, 23),
        ("own", {"limit": 280, "counting": "weighted"}, 280, 23),
        ("own", {"counting": "nonsense"}, 500, 60),
    ],
)
def test_a_channel_counts_as_its_settings_say_or_else_its_service(
    slug: str, settings: dict[str, object], limit: int | None, count: int
) -> None:
    found = measure(slug, settings)
    assert found.limit == limit
    assert found.count("https://help.example/" + "x" * 39) == count
    assert found.fits("") is True
