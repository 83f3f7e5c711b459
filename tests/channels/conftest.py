"""Servers that tests of channels share; each is started when the first test needs it, and ends with the last."""

import os
from collections.abc import Iterator

import pytest

from tests.channels import atproto


@pytest.fixture(scope="session")
def at_servers() -> Iterator[atproto.Servers]:
    """A real PDS; in continuous integration it must be there, elsewhere its absence is said."""
    try:
        servers = atproto.Servers()
    except atproto.NotInstalled:
        reason = "The tests of Bluesky need Node 20 and what tests/install_pds.sh installs."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    yield servers
    servers.close()
