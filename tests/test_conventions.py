"""What we agreed on and would otherwise forget."""

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from core import outbox
from core.api import PREFIX
from tests.cast import World
from tests.conftest import Browser

ROOT = Path(__file__).parent.parent
ROOMS = ("core", "accounts", "search", "forum", "kb", "desk", "demo")
OPEN_TO_GUESTS = {
    "accounts.sign_in",
    "accounts.register",
    "accounts.forgot_password",
    "accounts.reset_password",
    "accounts.confirm_email",
    "accounts.claim",
    "accounts.set_locale",
    "accounts.set_theme",
    "accounts.sign_out",
    "forum.count_solved_by_suggestion",
    "accounts.object_to_penalty",
    "forum.decide_by_mail",
    "forum.confirm_guest",
    "forum.post_mailed_question",
    "forum.send_solution_mail",
    "forum.stop_guest",
    "forum.send_flag",
    "forum.call_helpful",
    "forum.uncall_helpful",
    "forum.stop_mails",
    "kb.give_feedback",
    "kb.note_reading",
    "kb.note_opened",
    "search.note_search",
    "desk.answer_aside",
    "desk.receive_webhook",
    "desk.receive_webmention",
    "desk.leave_at_counter",
    "desk.tell_solved",
    "demo.post_to_plaza",
}
"""Forms a guest may send. Whoever adds one thinks about abuse first."""


def python_files() -> list[Path]:
    return [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]


def test_every_post_turns_a_guest_away_unless_it_is_meant_for_guests(app: Flask, guest: Browser) -> None:
    checked = 0
    for rule in app.url_map.iter_rules():
        if "POST" not in (rule.methods or ()) or rule.rule.startswith(PREFIX) or rule.endpoint in OPEN_TO_GUESTS:
            continue
        path = re.sub(r"<(?:(\w+):)?\w+>", lambda found: "1" if found[1] == "int" else "x", rule.rule)
        answer = guest.post(path)
        sent_to_sign_in = answer.status_code == 303 and "/sign-in" in answer.headers["Location"]
        assert sent_to_sign_in or answer.status_code in {401, 404}, f"{rule.endpoint}: {answer.status_code}"
        checked += 1
    assert checked > 15


def test_every_api_write_turns_a_guest_away(app: Flask, guest: Browser) -> None:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}):
            if not rule.rule.startswith(PREFIX) or "_rest" in rule.arguments or rule.rule.endswith("/webhook"):
                continue
            path = re.sub(r"<(?:(\w+):)?\w+>", "1", rule.rule)
            assert guest.open(path, method=method, json={}).status_code == 401, f"{method} {rule.rule}"


def test_every_page_has_a_title_one_heading_and_a_language(
    app: Flask, stage: Callable[[Callable[[World], Any]], Any], browser_of: Callable[[str], Browser]
) -> None:
    topic_id = stage(lambda world: [world.everybody(), world.solved().id][1])
    root = browser_of("root")
    pages = [rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments]
    checked = 0
    for page in [*pages, f"/t/{topic_id}-x", "/u/alice", "/no/such/page"]:
        answer = root.get(page, follow_redirects=True)
        if "text/html" not in answer.content_type or "<html" not in answer.text:
            continue
        assert re.search(r"<title>[^<]*\S[^<]* · ", answer.text), page
        assert len(re.findall(r"<h1[ >]", answer.text)) == 1, page
        assert '<html lang="en"' in answer.text, page
        assert not re.search(r'<[^>]+\s(?:style|on\w+)="', answer.text), page
        assert not re.search(r"<script(?![^>]*\ssrc=)", answer.text), page
        checked += 1
    assert checked > 15


def test_every_event_has_a_name_in_the_past_tense_and_is_listened_to_by_registered_functions_only() -> None:
    for event_class, function in outbox._listeners.values():
        assert re.search(r"(ed|Sent|Told|Undone)$", event_class.__name__), event_class.__name__
        assert function.__doc__ or function.__name__, function


PEOPLE = {
    "current_user",
    "user",
    "by",
    "me",
    "viewer",
    "author",
    "asker",
    "person",
    "agent",
    "answered_by",
    "claimed_by",
}


def test_people_are_compared_by_their_ids() -> None:
    """By `==` two rows of another session, or one behind Flask-Login's proxy, may be the same person or not."""
    offenders = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"
        for path in python_files()
        if path.relative_to(ROOT).parts[0] != "search"  # which knows no people, only what they are called
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.Eq | ast.NotEq)
        and len({_last_name(side) for side in (node.left, *node.comparators)} & PEOPLE) > 0
        and not any(isinstance(side, ast.Constant) for side in node.comparators)
    ]
    assert offenders == []
    left, right = (
        r"\b(?:current_user|author|asker|user|by) ?[!=]= ?(?!['\"])",
        r"[!=]= ?(?:\w+\.)*(?:current_user|author|asker)\b",
    )
    pattern = re.compile(rf"{left}|{right}(?!\.)")
    told = [
        str(path) for path in (ROOT / "templates").rglob("*.html") if pattern.search(path.read_text(encoding="utf-8"))
    ]
    assert told == []


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def test_two_people_without_a_session_are_two(world: World) -> None:
    assert world.alice != world.bob
    assert world.alice == world.alice
    assert world.alice in {world.alice, world.bob}
    assert world.charlie not in [world.alice, world.bob]


def test_no_file_is_named_for_nothing() -> None:
    named = {path.stem for path in python_files()}
    assert not named & {"utils", "helpers", "helper", "manager", "service", "services", "misc", "common"}


def test_templates_never_switch_escaping_off() -> None:
    offenders = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "templates").rglob("*")
        if path.is_file() and re.search(r"\|\s*safe\b|autoescape false", path.read_text(encoding="utf-8"))
    ]
    assert offenders == []


def test_only_the_markup_module_declares_text_to_be_markup() -> None:
    allowed = {
        "core/i18n.py",
        "core/linked_data.py",
        "core/markup.py",
        "kb/drawing.py",
        "search/excerpts.py",
    }
    offenders = {
        str(path.relative_to(ROOT))
        for path in python_files()
        if re.search(r"\bMarkup\((?!\"|')", path.read_text(encoding="utf-8"))
    }
    assert offenders <= allowed


@pytest.mark.parametrize(
    "pattern", [r"\bpickle\b", r"shell=True", r"\btext\(f", r"\beval\(", r"urlopen\(", r"create_all"]
)
def test_what_must_not_be_in_the_code_is_not(pattern: str) -> None:
    offenders = [
        str(path.relative_to(ROOT)) for path in python_files() if re.search(pattern, path.read_text(encoding="utf-8"))
    ]
    assert offenders == []


def test_no_page_names_a_machine() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "Makefile"]
    assert [page.name for page in pages if re.search(r"/(?:work|root|home)/\w", page.read_text(encoding="utf-8"))] == []
