"""The one comparison of redirect addresses: bytes, nothing else."""

import pytest

from idp.protocol.redirects import answer_uri, is_registered, why_not_registrable

REGISTERED = ("https://wiki.example/cb", "https://wiki.example/q?a=1")


def test_the_registered_address_matches():
    assert is_registered("https://wiki.example/cb", REGISTERED)


@pytest.mark.spec("RFC 9700", "4.1.3")
@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://wiki.example/cb/",
        "https://wiki.example/cb?x=1",
        "https://wiki.example/cb#x",
        "https://wiki.example/CB",
        "https://WIKI.example/cb",
        "HTTPS://wiki.example/cb",
        "https://wiki.example:443/cb",
        "https://wiki.example/cb;x",
        "https://wiki.example/./cb",
        "https://wiki.example/a/../cb",
        "https://wiki.example/..;/cb",
        "https://wiki.example/%2e%2e/cb",
        "https://wiki.example/%63b",
        "https://wiki.example//cb",
        "https://wiki.example@evil.example/cb",
        "https://evil.example@wiki.example/cb",
        "https://evil.example%40wiki.example/cb",
        "https://a@b@wiki.example/cb",
        "https://wikixexample/cb",
        "https://wiki.example.evil.example/cb",
        "https://wiki.example/q?a=2",
        "https://wiki.example/q?a=1&b=2",
        " https://wiki.example/cb",
        "https://wiki.example/cb ",
        "https://wiki.example/cb\t",
        "https://wiki.example/cb\u200b",
        "javascript:alert(1)//https://wiki.example/cb",
        "https://wiki.exаmple/cb",
    ],
)
def test_anything_but_the_same_bytes_is_foreign(uri):
    assert not is_registered(uri, REGISTERED)


def test_an_empty_list_refuses_everything():
    assert not is_registered("https://wiki.example/cb", ())


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "//evil.example/cb",
        "/cb",
        "",
        "https://a@wiki.example/cb",
        "https://wiki.example/cb#f",
        "http://wiki.example/cb",
        "https://wiki.example/c b",
        "https://wiki.example/\tcb",
        "https://wiki.example\\@evil.example/",
        "https://wiki.example:port/cb",
        "ftp://wiki.example/cb",
        "java\nscript:alert(1)",
        # As sources in a content policy these would say something else, or void the whole header.
        "https://łódź.example/cb",
        "https://a.example;sandbox/cb",
        "https://a.example,script-src/cb",
        "https://*/cb",
        "https://*.example/cb",
        "https://'self'/cb",
        "https://[::1]evil.example/cb",
    ],
)
def test_an_unsafe_address_cannot_be_registered(uri):
    assert why_not_registrable(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "https://wiki.example/cb",
        "http://localhost:9999/cb",
        "http://127.0.0.1:1/cb?x=y",
        "http://[::1]:9/cb",
        "https://xn--d-8ba.example/",
    ],
)
def test_a_plain_address_can_be_registered(uri):
    assert why_not_registrable(uri) is None


@pytest.mark.spec("RFC 6749", "4.1.2")
def test_the_answer_joins_the_query_that_is_there():
    assert answer_uri("https://a.example/cb", {"code": "c", "state": ""}) == "https://a.example/cb?code=c"
    assert answer_uri("https://a.example/cb?x=1", {"code": "c"}) == "https://a.example/cb?x=1&code=c"
