"""What a stranger tries from outside: foreign hosts, foreign pages, foreign ids, tokens that are not for this."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts import attempts, one_time, passwords, people
from accounts.models import ApiToken, SignIn, User
from app import create_app
from core.db import db
from core.mail import Mail
from desk import connections
from desk.models import Channel
from forum.models import Draft, Notification
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
EVIL = "evil.example"
PASSWORD = "sieben Zwerge im Regen"
ANNA = {"handle": "anna", "name": "Anna", "email": "anna@example.org", "password": PASSWORD, "licence": "y"}
ADDRESSES = (
    "",
    "   ",
    "nothing",
    "9" * 4000,
    "-1",
    "0",
    "1e9",
    "\u0665",
    "\0",
    "\ud800".encode("utf-8", "surrogatepass"),
)
"""Values for numbers and cursors that nobody gave out."""


def everyday(world: World) -> int:
    world.everybody()
    topic_id: int = world.solved().id
    return topic_id


# Hosts, proxies and pages elsewhere


@pytest.mark.parametrize(
    "path", ["/", "/search", "/settings", "/sitemap.xml", "//sign-in", "/api/v1/topics", "/healthz"]
)
def test_a_foreign_host_name_gets_no_page_and_no_link(guest: Browser, stage: Stage, path: str) -> None:
    stage(everyday)
    for host in (EVIL, f"localhost@{EVIL}", f"localhost.{EVIL}", "localhost:x"):
        answer = guest.get(path, headers={"Host": host})
        assert answer.status_code == (200 if path == "/healthz" else 421), host
        assert EVIL not in answer.text + answer.headers.get("Location", "")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_the_own_name_and_loopback_are_answered(guest: Browser, host: str) -> None:
    assert guest.get("/healthz", headers={"Host": host}).status_code == 200


def test_nobody_believes_what_a_stranger_says_of_proxies(guest: Browser, stage: Stage) -> None:
    stage(everyday)
    said = {
        "X-Forwarded-Host": EVIL,
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": f"//{EVIL}",
        "X-Forwarded-For": "203.0.113.7",
        "Forwarded": f"for=203.0.113.7;host={EVIL}",
        "X-Original-URL": "/admin",
        "X-HTTP-Method-Override": "POST",
    }
    for path in ("/", "/settings", "/sitemap.xml", "/opensearch.xml"):
        answer = guest.get(path, headers=said)
        assert answer.status_code in {200, 303}
        assert EVIL not in answer.text + answer.headers.get("Location", "")


def test_a_new_address_in_every_header_does_not_lift_a_limit(app: Flask, guest: Browser) -> None:
    with app.app_context():
        for _ in range(attempts.PER_NETWORK):
            attempts.count_at_door("forgot", "127.0.0.1")
        db.session.commit()
    spoofed = {"X-Forwarded-For": "203.0.113.7", "X-Real-IP": "203.0.113.7", "Forwarded": "for=203.0.113.7"}
    assert guest.post("/forgot", data={"email": "a@example.org"}, headers=spoofed).status_code == 429


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_on_another_site_is_refused_even_with_the_right_token(
    browser_of: BrowserOf, stage: Stage, site: str
) -> None:
    topic_id = stage(everyday)
    charlie = browser_of("charlie")
    headers = {"Sec-Fetch-Site": site}
    assert charlie.post(f"/topics/{topic_id}/follow", headers=headers).status_code == 403
    assert charlie.get("/", headers=headers).status_code == 200, "a link from elsewhere leads here"
    for own in ("same-origin", "none"):
        assert charlie.post(f"/topics/{topic_id}/follow", headers={"Sec-Fetch-Site": own}).status_code == 303


def test_a_cookie_opens_no_call_of_the_api(browser_of: BrowserOf, stage: Stage) -> None:
    topic_id = stage(everyday)
    answer = browser_of("alice").post(f"/api/v1/topics/{topic_id}/answers", json={"body": "From a page elsewhere."})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "target",
    [f"https://{EVIL}/", f"//{EVIL}", f"/\\{EVIL}", f"/\t/{EVIL}", f"http:{EVIL}", "javascript:alert(1)", "/\u2028/x"],
)
def test_no_way_onward_leads_elsewhere(app: Flask, browser_of: BrowserOf, stage: Stage, target: str) -> None:
    def scene(world: World) -> int:
        world.alice.password_hash = passwords.hashed(PASSWORD)
        world.ada  # noqa: B018 -- she comes on stage
        return int(world.ask().id)

    topic_id = stage(scene)
    guest: Browser = app.test_client()  # type: ignore[assignment]
    alice, ada = browser_of("alice"), browser_of("ada")
    answers = [
        guest.post("/locale", data={"locale": "de", "next": target}),
        guest.post("/theme", data={"theme": "dark", "next": target}),
        guest.post("/sign-in", query_string={"next": target}, data={"handle": "alice", "password": PASSWORD}),
        guest.get("/sign-in", query_string={"next": target}),
        guest.get("/register", query_string={"next": target}),
        alice.post("/notifications/read", data={"next": target}),
        ada.post(f"/topics/{topic_id}/unmute", data={"next": target}),
        alice.get(f"/t/{topic_id}-other", query_string={"next": target}),
    ]
    for answer in answers:
        place = answer.headers["Location"]
        assert place.startswith("/"), place
        assert not re.match(r"/[/\\\s]", place), place


# Sessions, passwords and tokens


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(app: Flask) -> None:
    secure = create_app(
        {
            "KLINKE_DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"],
            "KLINKE_DATA_DIR": str(app.extensions["klinke-settings"].data_dir),
            "KLINKE_SECRET_KEY": app.config["SECRET_KEY"],
            "KLINKE_BASE_URL": "https://help.example.org",
        }
    )
    secure.test_client_class = Browser
    client = secure.test_client()
    there = {"base_url": "https://help.example.org", "headers": {"Referer": "https://help.example.org/register"}}
    answers = [
        client.get("/register", **there),
        client.post("/locale", data={"locale": "de"}, without_csrf=True, **there),
    ]
    page = answers[0].text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token is not None
    answers.append(client.post("/theme", data={"theme": "dark", "csrf_token": token[1]}, without_csrf=True, **there))
    cookies = [cookie for answer in answers for cookie in answer.headers.getlist("Set-Cookie")]
    assert len(cookies) >= 2
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "Secure" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
    assert any(cookie.startswith("__Host-klinke=") for cookie in cookies)
    assert answers[0].headers["Strict-Transport-Security"]
    with secure.app_context():
        db.engine.dispose()


def test_a_session_begun_before_signing_in_is_worth_nothing_after(app: Flask, stage: Stage) -> None:
    def scene(world: World) -> None:
        world.alice.password_hash = world.bob.password_hash = passwords.hashed(PASSWORD)

    stage(scene)
    victim: Browser = app.test_client()  # type: ignore[assignment]
    victim.post("/sign-in", data={"handle": "bob", "password": PASSWORD})
    planted = victim.get_cookie("klinke")
    assert planted is not None
    with victim.session_transaction() as session:
        session["planted"] = "by the attacker"
    victim.post("/sign-in", data={"handle": "alice", "password": PASSWORD})
    with victim.session_transaction() as session:
        assert "planted" not in session
    attacker: Browser = app.test_client()  # type: ignore[assignment]
    attacker.set_cookie("klinke", planted.value)
    assert attacker.get("/settings").status_code == 303
    kept = victim.get_cookie("klinke")
    assert kept is not None
    victim.post("/sign-out")
    attacker.set_cookie("klinke", kept.value)
    assert attacker.get("/settings").status_code == 303, "signing out ends it on the server"


def test_a_link_for_a_new_password_works_once_and_for_nothing_else(app: Flask, guest: Browser, stage: Stage) -> None:
    reset = stage(lambda world: one_time.issue(world.alice, "reset"))
    confirm = stage(lambda world: one_time.issue(world.bob, "confirm"))
    assert guest.post(f"/reset/{confirm}", data={"password": PASSWORD}).status_code == 404
    assert guest.post(f"/confirm/{reset}").status_code == 404
    assert guest.post(f"/reset/{reset}", data={"password": PASSWORD}).status_code == 303
    assert guest.post(f"/reset/{reset}", data={"password": PASSWORD + "2"}).status_code == 404
    with app.app_context():
        alice = people.by_handle("alice")
        assert alice is not None
        assert passwords.fits(alice.password_hash, PASSWORD)


def test_whoever_registers_becomes_a_member_whatever_the_form_says(app: Flask, guest: Browser) -> None:
    more = {
        "roles": "admin",
        "role": "admin",
        "is_staged": "",
        "id": "1",
        "email_confirmed_at": "2026-01-01",
        "is_team": "y",
    }
    assert guest.post("/register", data={**ANNA, **more}).status_code == 303
    guest.post("/settings", data={"name": "Anna", "about": "", "locale": "", "theme": "auto", **more, "handle": "root"})
    with app.app_context():
        anna = people.by_handle("anna")
        assert anna is not None
        assert anna.role_names == {"member"}
        assert anna.email_confirmed_at is None


def test_registrations_that_fail_count_and_cost_no_slow_hash_once_there_were_enough(
    guest: Browser, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(lambda world: world.person("anna").id)
    hashes: list[str] = []

    def hashed(password: str) -> str:
        hashes.append(password)
        return "x"

    monkeypatch.setattr(passwords, "hashed", hashed)
    for _ in range(attempts.PER_NETWORK):
        assert guest.post("/register", data=ANNA).status_code == 422
    hashes.clear()
    assert guest.post("/register", data=ANNA).status_code == 429
    assert hashes == []


def test_a_token_reads_only_with_the_scope_to_read(guest: Browser, stage: Stage, token_of: Callable[..., str]) -> None:
    topic_id = stage(everyday)
    paths = ("/api/v1/topics", f"/api/v1/topics/{topic_id}", "/api/v1/articles?status=draft", "/api/v1/search?q=wifi")
    for scopes, expected in ((("write",), 403), (("desk", "moderate"), 403), (("read",), 200), (("all",), 200)):
        headers = {"Authorization": f"Bearer {token_of('root', *scopes)}"}
        assert [guest.get(path, headers=headers).status_code for path in paths] == [expected] * 4, scopes
    assert guest.get("/api/v1/topics").status_code == 200, "what everybody may read needs no token"


def test_a_token_does_only_what_it_is_for(guest: Browser, stage: Stage, token_of: Callable[..., str]) -> None:
    topic_id = stage(everyday)
    calls = {
        "write": ("POST", f"/api/v1/topics/{topic_id}/answers", {"body": "Channel 6 is the one to choose."}),
        "desk": ("GET", "/api/v1/conversations", None),
        "moderate": ("POST", f"/api/v1/topics/{topic_id}/muting", {"reason": "off topic"}),
    }
    for scope in ("read", "write", "desk", "moderate"):
        headers = {"Authorization": f"Bearer {token_of('root', scope)}"}
        for needed, (method, path, body) in calls.items():
            answer = guest.open(path, method=method, json=body, headers=headers)
            assert (answer.status_code == 403) is (needed != scope), f"{scope} at {path}: {answer.status_code}"


def test_a_scope_gives_nobody_a_right_they_lack(guest: Browser, stage: Stage, token_of: Callable[..., str]) -> None:
    topic_id = stage(everyday)
    headers = {"Authorization": f"Bearer {token_of('charlie', 'all', 'desk', 'moderate')}"}
    assert guest.get("/api/v1/conversations", headers=headers).status_code == 403
    answer = guest.post(f"/api/v1/topics/{topic_id}/muting", json={"reason": "off topic"}, headers=headers)
    assert answer.status_code == 403
    assert guest.get("/api/v1/articles?status=draft", headers=headers).json == {"articles": [], "next": None}


# Other people's things


def test_nobody_touches_what_belongs_to_somebody_else(
    app: Flask, browser_of: BrowserOf, stage: Stage, worker: Callable[[], None], token_of: Callable[..., str]
) -> None:
    topic_id = stage(everyday)
    worker()
    alice, charlie = browser_of("alice"), browser_of("charlie")
    token_of("alice")
    alice.post("/drafts/ask", data={"title": "A draft that is only hers", "source": "Nobody else reads this."})
    with app.app_context():
        owner = db.session.scalar(select(User.id).where(User.handle == "alice"))
        token_id = db.session.scalar(select(ApiToken.id).where(ApiToken.user_id == owner))
        session_id = db.session.scalar(select(SignIn.id).where(SignIn.user_id == owner))
        note_id = db.session.scalar(select(Notification.id).where(Notification.user_id == owner))
        assert note_id is not None
    assert charlie.post(f"/settings/tokens/{token_id}/revocation").status_code == 404
    assert charlie.post(f"/settings/sessions/{session_id}/end").status_code == 404
    charlie.post("/notifications/read", data={"id": note_id})
    charlie.post("/notifications/read", data={})
    charlie.post("/drafts/ask/discard")
    assert "only hers" not in charlie.get("/ask").text
    assert (
        charlie.post("/settings", data={"id": owner, "user_id": owner, "name": "Mine", "theme": "auto"}).status_code
        == 303
    )
    with app.app_context():
        assert db.session.get(ApiToken, token_id) is not None
        assert db.session.get(SignIn, session_id) is not None
        assert db.session.get_one(Notification, note_id).read_at is None
        assert db.session.scalar(select(func.count(Draft.id)).where(Draft.user_id == owner)) == 1
        assert db.session.get_one(User, owner).name == "Alice"
    assert topic_id


# Outwards: mails, feeds, channels


@pytest.mark.parametrize(
    "name", ["Anna\r\nBcc: all@example.org", "Anna\nSubject: x", "Anna\u2028Bcc: x", "Anna\x0bBcc: x"]
)
def test_no_name_adds_a_header_to_a_mail_or_an_answer(
    app: Flask, guest: Browser, worker: Callable[[], None], name: str
) -> None:
    answer = guest.post("/register", data={**ANNA, "name": name})
    assert "Bcc" not in answer.headers
    worker()
    for path in app.extensions["klinke-settings"].data_dir.glob("mail/*.eml"):
        head = path.read_bytes().split(b"\r\n\r\n")[0]
        assert b"\nBcc" not in head
        assert head.count(b"\nSubject") <= 1
    with app.app_context():
        assert all("\n" not in mail.subject.strip() for mail in db.session.scalars(select(Mail)))


@pytest.mark.parametrize(
    "email", ["jürgen@example.org", "anna@bücher.example", '"a\\"b"@example.org', "a+b=c@example.org"]
)
def test_a_mail_to_an_unusual_address_leaves_the_house_or_is_never_promised(
    app: Flask, guest: Browser, worker: Callable[[], None], email: str
) -> None:
    answer = guest.post("/register", data={**ANNA, "email": email})
    worker()
    with app.app_context():
        mails = list(db.session.scalars(select(Mail)))
        assert len(mails) == (answer.status_code == 303)
        assert all(mail.sent_at is not None for mail in mails)


def test_feeds_and_maps_stay_well_formed_with_hostile_words(app: Flask, guest: Browser, stage: Stage) -> None:
    hostile = (
        "]]></title><script>alert(1)</script>",
        "&lt;b&gt; &amp; &nosuch; <b>bold</b>",
        "\ufffe\uffff \U0001f600 end of it",
    )

    def scene(world: World) -> None:
        for words in hostile:
            world.alice.name = f"{words} & Söhne"[:80]
            world.ask(f"A question about {words}", f"What does {words} mean, please?", tags=("c++", "c#", ".net"))

    stage(scene)
    for path in (
        "/feeds/latest.xml",
        "/feeds/c/router.xml",
        "/feeds/tag/c%2B%2B.xml",
        "/feeds/kb.xml",
        "/sitemap.xml",
        "/sitemaps/topics-1.xml",
        "/opensearch.xml",
    ):
        answer = guest.get(path)
        assert answer.status_code == 200, path
        root = ET.fromstring(answer.get_data())  # noqa: S314 -- our own answer, and the point is that it can be read
        assert all(element.tag.startswith("{") and not element.tag.endswith("}script") for element in root.iter())


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://127.0.0.1:6379/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "http://user@example.org/",
        "http://example.org\\@127.0.0.1/",
        "http://example.org/\r\nX: y",
        "//example.org/",
    ],
)
def test_a_channel_to_the_inside_of_the_house_is_not_opened(
    app: Flask, browser_of: BrowserOf, stage: Stage, endpoint: str
) -> None:
    stage(lambda world: world.root.id)
    answer = browser_of("root").post(
        "/admin/channels/new/webhook", data={"name": "Inside", "slug": "inside", "says_endpoint": endpoint}
    )
    assert answer.status_code == 422
    with app.app_context():
        assert db.session.scalar(select(func.count(Channel.id))) == 0


def test_a_channel_keeps_its_secret(app: Flask, browser_of: BrowserOf, stage: Stage) -> None:
    def scene(world: World) -> str:
        channel = connections.open_webhook("social", name="Social", endpoint="", limit=None, by=world.root)
        return str(channel.secret)

    secret = stage(scene)
    assert secret not in browser_of("root").get("/admin/channels").text
    with app.app_context():
        stored = db.session.execute(select(func.cast(Channel.__table__.c.secret, db.Text))).scalar_one_or_none()
        assert stored != secret


# Numbers and cursors


def cursors() -> list[Any]:
    made = [
        ["a", 2**70, 1],
        ["a", {"at": "0001-01-01T00:00:00+14:00"}, 1],
        ["a", {"at": "9999-12-31T23:59:59-14:00"}, 2**63 - 1],
        ["b", {"at": "2026-01-01T00:00:00+00:00"}, -(2**63)],
        ["a", {"at": "2026-01-01T00:00:00+00:00"}, True],
        ["a", {"at": 5}, 1],
        ["a", -(2**63)],
        ["a", 2**63 - 1],
        ["a", None],
        ["x", 1],
        ["a", "\ud800"],
        {},
        None,
    ]
    packed = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in made]
    return [*ADDRESSES, *packed, base64.urlsafe_b64encode(b"[" * 3000).decode(), "a" * 3001]


def test_no_number_and_no_cursor_ends_in_a_fault(
    app: Flask, browser_of: BrowserOf, stage: Stage, token_of: Callable[..., str]
) -> None:
    topic_id = stage(everyday)
    root = browser_of("root")
    headers = {"Authorization": f"Bearer {token_of('root')}"}
    topic = f"/t/{topic_id}-wireless-gone-after-the-update"
    pages = "/ /c/router /tags/wifi /u/alice /notifications /moderation /search /kb /kb/nominations /kb/drafts /desk"
    pages += f" /admin/log /admin/people /solved-by-suggestion /posts/{topic_id}/history {topic}"
    calls = ("/api/v1/topics", "/api/v1/articles", "/api/v1/conversations", "/api/v1/search", "/api/v1/similar")
    for value in cursors():
        for path in (*pages.split(), *calls):
            for names in (("page", "cursor", "answers", "version", "id"), ("limit",)):
                if names == ("limit",) and path not in calls:
                    continue
                answer = root.get(path, query_string=dict.fromkeys(names, value), headers=headers)
                assert answer.status_code < 500, f"{path} {names} {value!r}"
