"""The JSON API's one mechanism: a call is a route, a check of its input, its rights, its limit and its description.

Writes are committed here, at the edge, together with the answer that a repeat with the same Idempotency-Key gets.
"""

import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from flask import Blueprint, Flask, Response, g, jsonify, request
from flask_babel import gettext
from flask_limiter.util import get_remote_address
from flask_login import current_user
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from core import once, texts
from core.db import LARGEST_ID, db
from core.errors import Invalid, KlinkeError, NotAllowed, SignInNeeded
from core.forms import csrf
from core.problems import reasons
from core.settings import current_settings
from core.web import limiter, only_reads, problem

PREFIX = "/api/v1"
SCOPES = ("read", "write", "desk", "moderate", "all")
DEEPEST_JSON = 20


class Model(BaseModel):
    """What goes in or out; an unknown field is an error, not a silence."""

    model_config = ConfigDict(extra="forbid")


def line(longest: int, shortest: int = 1) -> Any:
    """Return the type of one clean line."""
    return Annotated[str, cleaned(functools.partial(texts.line, longest=longest, shortest=shortest))]


def block(longest: int, shortest: int = 1) -> Any:
    """Return the type of a clean text of several lines."""
    return Annotated[str, cleaned(functools.partial(texts.block, longest=longest, shortest=shortest))]


def cleaned(clean: Callable[[str], str]) -> AfterValidator:
    """Return the validator that takes what `clean` returns, and says what it refuses."""
    return AfterValidator(functools.partial(_clean, clean))


Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    path: str
    summary: str
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    scope: str | None
    team: bool
    status: int
    room: str


class Api:
    """The calls of one room."""

    def __init__(self, room: str) -> None:
        self.room = room
        self.blueprint = Blueprint(f"{room}_api", room, url_prefix=PREFIX)
        csrf.exempt(self.blueprint)  # bearer tokens only: a cookie never signs an API call in
        self.calls: list[Call] = []

    def call(  # noqa: PLR0913 -- the properties of a call, by keyword
        self,
        method: str,
        path: str,
        *,
        summary: str,
        query: type[BaseModel] | None = None,
        body: type[BaseModel] | None = None,
        scope: str | None = None,
        team: bool = False,
        status: int = 200,
        reads: bool = False,
        own_guard: bool = False,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a function as a call.

        It gets the path's values, `query=` and `body=` as models, and returns JSON-ready data. `scope` names what a
        token must allow (None: guests may call); `team` asks for a member of the team. A call that `reads` changes
        nothing, whatever its method: it waits for no writer and takes no Idempotency-Key. A call with its `own_guard`
        proves who calls, limits them and knows a repeat by itself.
        """
        about = Call(method, path, summary, query, body, scope, team, status, self.room)

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            self.calls.append(about)

            @functools.wraps(function)
            def edge(**values: Any) -> Response:
                _check_rights(about)
                if query is not None:
                    values["query"] = _checked(query, request.args.to_dict())
                if body is not None:
                    values["body"] = _checked(body, _json())
                if method == "GET" or reads:
                    return _answer(function(**values), status)
                if own_guard:
                    return _committed(_answer(function(**values), status))
                return _write(about, functools.partial(function, **values))

            view = edge if own_guard else limiter.limit(_limit, key_func=_who, scope=lambda _name: "api")(edge)
            if reads:
                only_reads(view)
            self.blueprint.add_url_rule(path, endpoint=function.__name__, view_func=view, methods=[method])
            return function

        return register


def init_app(app: Flask, rooms: list[Api]) -> None:
    """Register the rooms' calls and the page that describes them."""
    calls = [call for room in rooms for call in room.calls]
    for room in rooms:
        app.register_blueprint(room.blueprint)

    @app.get(f"{PREFIX}/openapi.json")
    def openapi() -> Response:
        return jsonify(_description(calls))

    @app.route(f"{PREFIX}/<path:_rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def no_such_call(_rest: str) -> Response:
        return problem(404, gettext("There is no such call"), gettext("/api/v1/openapi.json lists them all."))

    csrf.exempt(no_such_call)


def _clean(clean: Callable[[str], str], value: str) -> str:
    try:
        return clean(value)
    except KlinkeError as error:
        raise ValueError(error.sentence) from None


def _check_rights(about: Call) -> None:
    is_known = current_user.is_authenticated  # this is what reads the token, so it is asked first
    scopes: frozenset[str] = g.get("token_scopes", frozenset())
    if about.scope is None and not about.team:
        # What guests may read, a token's person may read more of: drafts, what is muted.
        if is_known and about.method == "GET" and not scopes & {"read", "all"}:
            raise NotAllowed(gettext("This token lacks the scope “%(scope)s”.", scope="read"))
        return
    if not is_known:
        raise SignInNeeded(gettext("Send the header Authorization: Bearer <token>."))
    if about.scope is not None and not scopes & {about.scope, "all"}:
        raise NotAllowed(gettext("This token lacks the scope “%(scope)s”.", scope=about.scope))
    if about.team and not current_user.is_team:
        raise NotAllowed(gettext("Only the team may call this."))


def _checked(model: type[BaseModel], values: Any) -> BaseModel:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise Invalid(gettext("Some values cannot be taken; see errors."), fields=reasons(error)) from None


def _json() -> Any:
    if not request.is_json:
        raise _Unsupported(gettext("Send JSON with Content-Type: application/json."))
    try:
        values = json.loads(request.get_data(cache=True))
        _check_depth(values)
    except (ValueError, RecursionError):
        raise KlinkeError(gettext("The body is not valid JSON.")) from None
    return values


class _Unsupported(KlinkeError):
    status = 415


def _check_depth(values: Any, depth: int = 0) -> None:
    if depth > DEEPEST_JSON:
        message = "too deep"
        raise ValueError(message)
    if isinstance(values, dict | list):
        for value in values.values() if isinstance(values, dict) else values:
            _check_depth(value, depth + 1)


def _write(about: Call, function: Callable[[], Any]) -> Response:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > once.LONGEST_KEY:
        raise Invalid(gettext("An Idempotency-Key has at most %(longest)s characters.", longest=once.LONGEST_KEY))
    if not key:
        return _committed(_answer(function(), about.status))
    owner = f"api:{_who()}"
    before = once.claim(owner, key, f"{request.method} {request.path}\n".encode() + request.get_data(cache=True))
    if before is not None:
        db.session.rollback()
        if not before.is_same:
            raise Invalid(gettext("This Idempotency-Key was used for something else."))
        return Response(before.answer, status=before.status, content_type="application/json")
    answer = _answer(function(), about.status)
    once.remember(owner, key, status=answer.status_code, answer=answer.get_data(as_text=True))
    return _committed(answer)


def _committed(answer: Response) -> Response:
    db.session.commit()
    return answer


def _answer(data: Any, status: int) -> Response:
    if isinstance(data, Response):
        return data
    if isinstance(data, tuple):
        data, status = data
    if data is None:
        return Response(status=HTTPStatus.NO_CONTENT, content_type="application/json")
    response = jsonify(data.model_dump(mode="json") if isinstance(data, BaseModel) else data)
    response.status_code = status
    return response


def _who() -> str:
    token = request.headers.get("Authorization", "")
    if token and current_user.is_authenticated:
        return "token:" + hashlib.sha256(token.encode()).hexdigest()[:32]
    return f"guest:{get_remote_address()}"


def _limit() -> str:
    settings = current_settings()
    many = settings.token_api_per_minute if current_user.is_authenticated else settings.guest_api_per_minute
    return f"{many} per minute"


def _description(calls: list[Call]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 description of the calls."""
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {}
    for call in calls:
        parts = [part.strip("<>").split(":") for part in call.path.split("/") if part.startswith("<")]
        path = "/".join(
            "{" + part.strip("<>").split(":")[-1] + "}" if part.startswith("<") else part
            for part in call.path.split("/")
        )
        parameters = [
            {
                "name": part[-1],
                "in": "path",
                "required": True,
                "schema": {"type": "integer" if part[0] == "int" else "string"},
            }
            for part in parts
        ]
        if call.query is not None:
            schema = call.query.model_json_schema()
            parameters += [
                {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": about}
                for name, about in schema["properties"].items()
            ]
        operation: dict[str, Any] = {
            "summary": call.summary,
            "tags": [call.room],
            "parameters": parameters,
            "responses": {
                str(call.status): {"description": "done", "content": {"application/json": {}}},
                "default": {"description": "a problem", "content": {"application/problem+json": {}}},
            },
        }
        if call.scope or call.team:
            operation["security"] = [{"token": [call.scope] if call.scope else []}]
        if call.body is not None:
            schema = call.body.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= schema.pop("$defs", {})
            operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
        paths.setdefault(PREFIX + path, {})[call.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Klinke", "version": "1", "description": "Questions, answers, articles and conversations."},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
