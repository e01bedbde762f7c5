"""A browser with a page in it, for the modules that look at one."""

import pytest

from tests.cockpit import documents


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Return a page, in a browser that cannot reach a network."""
    from tests.cockpit import browser  # which skips without selenium

    with browser.offline_page(tmp_path_factory.mktemp("page")) as found:
        yield found


@pytest.fixture(scope="module")
def six():
    """Return the document of six trainings, healthy and ill."""
    return documents.document(*documents.six_runs())
