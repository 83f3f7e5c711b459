"""Links of articles and faces are opened in small bites, and nothing private is reached by that."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import time_machine

from core.db import db
from forum import personal_data
from kb import articles, faces, links, retiring
from kb.models import Article, ArticleLink, ArticleTask
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Somebody(BaseHTTPRequestHandler):
    """A server elsewhere: what it is asked for is the status it answers with."""

    asked: list[str] = []

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        status = int(self.path.strip("/") or 200)
        if status == 405 and self.command == "GET":
            status = 200
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def elsewhere(settings: Callable[..., None]) -> Iterator[str]:
    Somebody.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Somebody)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings(private_endpoints=f"127.0.0.1:{server.server_port}")
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def check_all(turns: int = 10) -> None:
    for _ in range(turns):
        links.check_due()


def found() -> dict[str, tuple[str, str, str]]:
    return {row.url: (row.place, row.state, row.said) for row in db.session.query(ArticleLink)}


def written(*urls: str) -> str:
    return "\n\n".join(f"[here]({url})" for url in urls)


def test_every_link_is_opened_and_what_fails_twice_is_listed_and_a_task(world: World, elsewhere: str) -> None:
    world.everybody()
    with time_machine.travel(NOW, tick=False) as clock:
        urls = [f"{elsewhere}/{status}" for status in (200, 301, 403, 404, 405, 500)]
        personal_data.add("a@example.org", deed="allow", by=world.root)
        Shelf(world).published(resolution=written(*urls, f"{elsewhere}/200#part", "mailto:a@example.org", "#here"))
        db.session.commit()
        assert links.gather() == 6
        assert links.gather() == 0
        check_all()
        states = {url.rsplit("/", 1)[1]: state for url, (_, state, _) in found().items()}
        assert states == {"200": "fine", "301": "fine", "403": "fine", "404": "broken", "405": "fine", "500": "broken"}
        assert "GET /404" in Somebody.asked
        assert "GET /200" not in Somebody.asked
        assert list(db.session.scalars(links.bad_links(world.emil))) == [], "services have bad hours"
        clock.shift(timedelta(hours=13))
        check_all()
        assert sorted(link.said for link in db.session.scalars(links.bad_links(world.emil)).unique()) == ["404", "500"]
        assert sorted(task.words for task in db.session.query(ArticleTask)) == [f"{elsewhere}/404", f"{elsewhere}/500"]
        asked = len(Somebody.asked)
        check_all()
        assert len(Somebody.asked) == asked, "nothing is due again for a month"


def test_one_turn_opens_only_a_few(world: World, elsewhere: str) -> None:
    world.everybody()
    Shelf(world).published(resolution=written(*(f"{elsewhere}/{200 + number}" for number in range(8))))
    db.session.commit()
    links.gather()
    assert links.check_due() == links.MOST_A_TURN
    assert len(Somebody.asked) == links.MOST_A_TURN


def test_nothing_private_is_reached_and_a_redirect_is_not_followed(world: World, elsewhere: str) -> None:
    world.everybody()
    other = ThreadingHTTPServer(("127.0.0.1", 0), Somebody)
    private = f"http://127.0.0.1:{other.server_port}"
    inside = [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest",
        "http://localhost:22/",
        "http://[::1]/",
        f"{private}/200",
    ]
    Shelf(world).published(resolution=written(*inside, f"{elsewhere}/302"))
    db.session.commit()
    links.gather()
    check_all()
    other.server_close()
    known = found()
    assert {state for url, (_, state, _) in known.items() if not url.startswith(elsewhere)} == {"refused"}
    assert known[f"{elsewhere}/302"][1] == "fine"
    assert Somebody.asked == ["HEAD /302"]


def test_faces_are_looked_through_and_what_is_gone_is_forgotten(world: World, elsewhere: str) -> None:
    world.everybody()
    article = Shelf(world).published()
    faces.write(article, kind="500", text=f"See {elsewhere}/200.", by=world.emil)
    db.session.commit()
    assert links.gather() == 1
    assert found() == {f"{elsewhere}/200": ("500", "waiting", "")}
    faces.write(article, kind="500", text="See nothing.", by=world.emil)
    db.session.commit()
    links.gather()
    assert found() == {}
    faces.write(article, kind="500", text=f"See {elsewhere}/200.", by=world.emil)
    db.session.commit()
    links.gather()
    articles.withdraw(article, by=world.emil, reason="wrong")
    db.session.commit()
    links.gather()
    assert found() == {}


def test_what_leads_to_this_site_is_looked_up_and_not_opened(world: World, elsewhere: str) -> None:
    world.everybody()
    topic = world.ask()
    open_one, inside = (
        Shelf(world).published(title="The open one"),
        Shelf(world).published(title="Inside", audience="team"),
    )
    replaced = Shelf(world).published(title="The replaced one")
    retiring.retire(replaced, by=world.emil, reason="better", successor=open_one)
    paths = {
        f"/kb/{open_one.id}": "fine",
        f"http://localhost/kb/{inside.id}": "broken",
        f"/kb/{replaced.id}": "fine",
        f"http://localhost/t/{topic.id}-x": "fine",
        "/t/4711": "broken",
        "/about": "fine",
    }
    Shelf(world).published(title="The last one", resolution=written(*paths))
    db.session.commit()
    links.gather()
    check_all()
    assert {url: state for url, (_, state, _) in found().items()} == paths
    assert Somebody.asked == []


def test_a_link_that_works_again_is_no_task_any_more(world: World, elsewhere: str) -> None:
    world.everybody()
    with time_machine.travel(NOW, tick=False) as clock:
        article = Shelf(world).published(title="The old one", audience="team")
        Shelf(world).published(resolution=written(f"/kb/{article.id}"))
        db.session.commit()
        links.gather()
        for _ in range(2):
            check_all()
            clock.shift(timedelta(hours=13))
        assert db.session.query(ArticleTask).count() == 1
        article.audience = "public"
        (link,) = db.session.query(ArticleLink)
        links.check_again(link)
        db.session.commit()
        check_all()
        assert db.session.query(ArticleTask).count() == 0


def test_the_list_is_for_the_team_and_an_editor_has_a_link_opened_again(
    stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    def scene(world: World) -> int:
        world.everybody()
        article = Shelf(world).published(resolution=written("/kb/4711"))
        link = ArticleLink(
            article_id=article.id,
            place="article",
            url="/kb/4711",
            url_key="x",
            state="broken",
            said="gone",
            failures=2,
            checked_at=NOW,
            due_at=NOW + timedelta(days=90_000),
        )
        db.session.add(link)
        db.session.flush()
        return link.id

    link_id = stage(scene)
    dora, emil = browser_of("dora"), browser_of("emil")
    for path in ("/kb/links", "/kb/links?whose=mine"):
        assert "/kb/4711" in emil.get(path).text
    assert "Open it again" not in dora.get("/kb/links").text
    assert dora.post(f"/kb/links/{link_id}/check").status_code == 403
    assert emil.post(f"/kb/links/{link_id}/check").status_code == 303
    assert stage(lambda _: db.session.get_one(ArticleLink, link_id).due_at) < datetime.now(UTC) + timedelta(minutes=1)


def test_with_zero_days_nothing_is_opened(world: World, settings: Callable[..., None]) -> None:
    world.everybody()
    Shelf(world).published(resolution=written("http://127.0.0.1:1/"))
    db.session.commit()
    settings(link_check_days=0)
    assert (links.gather(), links.check_due()) == (0, 0)
    assert db.session.query(Article).count() == 1
