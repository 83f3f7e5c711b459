"""What a script does at the desk: notes, hands, states, promises, contacts."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core.clock import now
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props

Stage = Callable[[Callable[[World], Any]], Any]
LATER = (now() + timedelta(days=1)).isoformat()


@pytest.fixture
def call(stage: Stage, guest: Browser, token_of: Callable[..., str]) -> Callable[..., Any]:
    stage(lambda world: [world.everybody(), props.received(props.channel(world))])
    tokens = {"dora": token_of("dora", "desk"), "alice": token_of("alice", "all"), "reader": token_of("dora", "read")}

    def ask(method: str, path: str, body: Any = None, *, by: str = "dora", **headers: str) -> Any:
        bearer = {
            "Authorization": f"Bearer {tokens[by]}",
            **{name.replace("_", "-"): one for name, one in headers.items()},
        }
        kwargs = {} if body is None else {"json": body}
        return guest.open(f"/api/v1{path}", method=method, headers=bearer, **kwargs)

    return ask


def test_a_script_works_through_a_conversation(call: Callable[..., Any]) -> None:
    noted = call("POST", "/conversations/1/notes", {"text": "The parcel is in Kassel."})
    assert (noted.status_code, noted.json["by"]) == (201, "dora")
    assert [note["text"] for note in call("GET", "/conversations/1/notes").json["notes"]] == [
        "The parcel is in Kassel."
    ]
    assert call("POST", "/conversations/1/assignment", {"assignee": "dora"}).json["assignee"] == "dora"
    assert call("POST", "/conversations/1/assignment", {"assignee": None}).json["assignee"] is None
    made = call("POST", "/conversations/1/promises", {"what": "An answer", "due": LATER}).json
    assert (made["owner"], made["state"]) == ("dora", "open")
    settled = call("POST", f"/promises/{made['id']}/settlement", {"state": "kept"}).json
    assert settled["state"] == "kept"
    assert call("GET", "/conversations/1/promises").json["promises"] == [settled]
    assert call("POST", "/conversations/1/state", {"state": "solved"}).json["state"] == "solved"
    contact = call("GET", "/contacts?channel=social&handle=@max@social.example").json["contacts"][0]
    assert call("GET", f"/contacts/{contact['id']}").json["conversations"] == [1]
    assert call("GET", "/contacts?channel=social&handle=@nobody").json == {"contacts": []}


def test_a_repeat_gets_the_first_answer(call: Callable[..., Any]) -> None:
    first = call("POST", "/conversations/1/notes", {"text": "Once"}, Idempotency_Key="k1")
    again = call("POST", "/conversations/1/notes", {"text": "Once"}, Idempotency_Key="k1")
    assert first.json == again.json
    assert len(call("GET", "/conversations/1/notes").json["notes"]) == 1


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/conversations/1/notes", {"text": ""}, 422),
        ("/conversations/99/notes", {"text": "x"}, 404),
        ("/conversations/1/assignment", {"assignee": "alice"}, 422),
        ("/conversations/1/assignment", {"assignee": "nobody"}, 422),
        ("/conversations/1/state", {"state": "new"}, 422),
        ("/conversations/1/promises", {"what": "x", "due": "2001-01-01T00:00:00Z"}, 422),
        ("/conversations/1/promises", {"what": "x", "due": LATER, "message": 1}, 422),
        ("/promises/99/settlement", {"state": "kept"}, 404),
    ],
)
def test_wrong_input_is_said(call: Callable[..., Any], path: str, body: Any, status: int) -> None:
    answer = call("POST", path, body)
    assert answer.status_code == status
    assert answer.content_type.startswith("application/problem+json")


def test_strangers_and_other_scopes_are_turned_away(call: Callable[..., Any]) -> None:
    for by in ("alice", "reader"):
        assert call("GET", "/conversations/1/notes", by=by).status_code == 403
        assert call("POST", "/conversations/1/state", {"state": "solved"}, by=by).status_code == 403
        assert call("GET", "/contacts/1", by=by).status_code == 403


def test_the_description_has_them_all(guest: Browser) -> None:
    described = guest.get("/api/v1/openapi.json").json
    assert described is not None
    post = described["paths"]["/api/v1/conversations/{conversation_id}/promises"]["post"]
    assert post["security"] == [{"token": ["desk"]}]
    assert "due" in post["requestBody"]["content"]["application/json"]["schema"]["required"]
