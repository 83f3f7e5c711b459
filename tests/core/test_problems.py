"""What is wrong is said at the field where a person or a program looks for it."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError, field_validator, model_validator

from core import problems
from core.errors import Invalid


def refusing(sentence: str, **fields: str) -> Callable[[], Any]:
    def refuse() -> Any:
        raise Invalid(sentence, fields=fields)

    return refuse


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = problems.Problems()
    assert found.take("name", lambda: "Anna", "") == "Anna"
    assert found.take("title", refusing("Too long."), "") == ""
    assert found.take("tags", refusing("No tag.", tags="“?” is no tag."), []) == []
    with pytest.raises(Invalid) as refusal:
        found.refuse()
    assert refusal.value.fields == {"title": "Too long.", "tags": "“?” is no tag."}


def test_where_nothing_is_wrong_nothing_is_refused() -> None:
    found = problems.Problems()
    assert found.take("name", lambda: "Anna", "") == "Anna"
    found.refuse()
    assert found.fields == {}


def test_a_sentence_finds_its_field() -> None:
    with pytest.raises(Invalid) as refusal, problems.at("reason"):
        refusing("Too long.")()
    assert (refusal.value.sentence, refusal.value.fields) == ("Too long.", {"reason": "Too long."})


def test_fields_are_said_by_the_names_of_the_edge() -> None:
    with pytest.raises(Invalid) as refusal, problems.renamed(source="body"):
        refusing("Look again.", source="Too long.", title="Too short.")()
    assert refusal.value.fields == {"body": "Too long.", "title": "Too short."}


class Record(BaseModel):
    names: list[str]

    @field_validator("names")
    @classmethod
    def _are_names(cls, names: list[str]) -> list[str]:
        if not all(names):
            raise ValueError("a name is empty")
        return names

    @model_validator(mode="after")
    def _is_somebody(self) -> "Record":
        if not self.names:
            raise ValueError("nobody is named")
        return self


@pytest.mark.parametrize(
    ("names", "reasons"),
    [
        ([""], {"names": "a name is empty"}),
        ([], {"the record": "nobody is named"}),
        ([7], {"names.0": "Input should be a valid string"}),
    ],
)
def test_what_a_model_refuses_is_said_by_field(names: list[Any], reasons: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refusal:
        Record(names=names)
    assert problems.reasons(refusal.value, whole="the record") == reasons
