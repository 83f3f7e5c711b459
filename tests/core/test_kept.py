"""What is kept of macros: only of those that know nothing but what they are given."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from jinja2 import DictLoader, nodes

TEMPLATES = Path(__file__).parents[2] / "templates"
CALLERS_OWN = {"request", "session", "g", "current_user", "config", "policy", "get_flashed_messages", "csrf_token"}
"""What tells of whoever looks."""


@pytest.fixture
def macros(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    loader = DictLoader({"small.html": "{% macro greet(name) %}{{ name }}{{ shout }}{% endmacro %}"})
    monkeypatch.setattr(app.jinja_env, "loader", loader)
    with app.test_request_context("/"):
        yield


def test_a_macro_that_knows_only_what_it_is_given_is_kept(macros: None) -> None:
    page = "{% from 'small.html' import greet %}{{ kept(greet, name) }}"
    assert [render_template_string(page, name=name, shout="!") for name in ("Anna", "Anna", "Bob")] == [
        "Anna",
        "Anna",
        "Bob",
    ]


@pytest.mark.parametrize(
    "page",
    [
        "{% from 'small.html' import greet with context %}{{ kept(greet, 'Anna') }}",
        "{% import 'small.html' as small with context %}{{ kept(small.greet, 'Anna') }}",
        "{% macro greet(name) %}{{ name }}{{ shout }}{% endmacro %}{{ kept(greet, 'Anna') }}",
    ],
)
def test_a_macro_that_knows_its_page_is_refused(macros: None, page: str) -> None:
    with pytest.raises(TypeError, match="imported without context"):
        render_template_string(page, shout="!")


def parsed(app: Flask, name: str) -> nodes.Template:
    return app.jinja_env.parse((TEMPLATES / name).read_text(encoding="utf-8"), name)


def imported(tree: nodes.Template) -> Iterator[tuple[str, str, bool]]:
    """Yield the names a template imports, from where, and whether with context."""
    for node in tree.find_all((nodes.FromImport, nodes.Import)):
        assert isinstance(node.template, nodes.Const)
        if isinstance(node, nodes.Import):
            yield node.target, node.template.value, node.with_context
        else:
            for name in node.names:
                yield (name if isinstance(name, str) else name[1]), node.template.value, node.with_context


def test_every_macro_that_is_kept_is_imported_without_context_and_asks_for_nobody(app: Flask) -> None:
    kept: set[str] = set()
    trees = {name: parsed(app, name) for name in (str(one.relative_to(TEMPLATES)) for one in TEMPLATES.rglob("*.html"))}
    for name, tree in trees.items():
        known = {macro.name: name for macro in tree.find_all(nodes.Macro)}
        known |= {macro: template for macro, template, _has_context in imported(tree)}
        for call in tree.find_all(nodes.Call):
            macro: Any = call.args[0] if getattr(call.node, "name", "") == "kept" else None
            kept |= set() if macro is None else {known[macro.name]}
    assert kept
    for name, tree in trees.items():
        for macro_name, template, has_context in imported(tree):
            assert not (template in kept and has_context), f"{name}: {macro_name} is imported with context"
    seen: set[str] = set()
    while waiting := kept - seen:
        for template in waiting:
            tree = trees[template]
            mounted = {id(one.node) for one in tree.find_all(nodes.Getattr) if one.attr == "script_root"}
            names = [name for name in tree.find_all(nodes.Name) if name.ctx == "load"]
            asked = {name.name for name in names if id(name) not in mounted}  # where the site is mounted is in the key
            assert asked & CALLERS_OWN == set(), template
            kept |= {source for _name, source, _has_context in imported(tree)}
            seen.add(template)
