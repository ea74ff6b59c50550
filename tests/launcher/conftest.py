"""Each test names its sections: those that come with the tables are put aside."""

import pytest

from launcher.models import Section


@pytest.fixture(autouse=True)
def no_sections(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        Section.objects.all().delete()
