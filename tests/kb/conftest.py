"""What the tests of the knowledge base share."""

import pytest

from tests.cast import World
from tests.kb.shelf import Shelf


@pytest.fixture
def shelf(world: World) -> Shelf:
    """The knowledge base, for tests of deeds."""
    return Shelf(world)
