"""What every page shares."""

import pytest
from flask import Flask

from core import web
from tests.conftest import Browser


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "",
        None,
        "/a\nb",
        "/x\\y",
    ],
)
def test_only_paths_on_this_site_are_followed(target: str | None) -> None:
    assert web.safe_path(target) == "/"


def test_a_path_on_this_site_is_kept() -> None:
    assert web.safe_path("/t/1-titel?answers=2#p3") == "/t/1-titel?answers=2#p3"


def test_every_get_route_carries_the_strict_headers(app: Flask, guest: Browser) -> None:
    checked = 0
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.arguments:
            continue
        headers = guest.get(rule.rule).headers
        assert "script-src 'self'" in headers["Content-Security-Policy"], rule.rule
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff", rule.rule
        assert headers["Referrer-Policy"] == "same-origin", rule.rule
        checked += 1
    assert checked > 10


def test_an_unknown_address_is_a_page_with_a_way_onward(guest: Browser) -> None:
    answer = guest.get("/no/such/page")
    assert answer.status_code == 404
    assert "/search" in answer.text


def test_an_unknown_call_is_a_problem(guest: Browser) -> None:
    answer = guest.get("/api/v1/nothing")
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert set(answer.json) == {"type", "title", "status", "detail"}


def test_a_post_without_token_is_refused_and_says_what_to_do(guest: Browser) -> None:
    answer = guest.post("/sign-in", data={"handle": "alice", "password": "no matter"}, without_csrf=True)
    assert answer.status_code == 400
    assert "reload" in answer.text


def test_health_and_readiness_differ(guest: Browser) -> None:
    assert guest.get("/healthz").json == {"status": "alive"}
    ready = guest.get("/readyz")
    assert ready.status_code == 503, "no worker has given a sign of life"
    assert ready.json["checks"]["database"] == "ok"


def test_metrics_are_closed_without_their_token(guest: Browser) -> None:
    assert guest.get("/metrics").status_code == 404
