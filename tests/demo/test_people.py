"""What members of the demonstration show of themselves."""

from demo.alizarine.make_ldif import POLES
from demo.people import SKILLS


def test_every_pole_has_skills_of_its_trades():
    assert set(SKILLS) == {f"Pôle {label}" for label, _trades in POLES.values()}
