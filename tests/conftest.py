"""The cast and the servers of the tests."""

pytest_plugins = [
    "tests.support.cast",
    "tests.support.slapd",
    "tests.support.oidc",
    "tests.support.signin",
    "tests.support.demo",
]
