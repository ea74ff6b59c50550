"""An answer by form, in a real browser under the page's own policy: with scripts by itself, without by its button."""

from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from playwright.sync_api import expect

from tests.support.demo import Demo, Visitor

pytestmark = pytest.mark.journey


@pytest.mark.spec("OAuth Form Post", "2")
@pytest.mark.parametrize("scripts", [True, False])
def test_the_browser_posts_the_answer_to_the_tool(demo: Demo, chromium, scripts):
    visitor = Visitor(chromium, width=1280, locale="fr-FR", scripts=scripts)
    page = visitor.page
    # Nobody whom another journey expects to find without a notice read.
    visitor.sign_in(demo, "dpo")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/oidc/authorize?" in request.url else None)
    page.locator("#outil-louty a").click()
    if page.locator("#consent-accept").count():
        page.click("#consent-accept")
    page.wait_for_url(demo.tool("louty") + "**")
    request = dict(parse_qsl(urlsplit(asked[0]).query)) | {"response_mode": "form_post", "state": "d’été & <b>"}
    posted: list[dict[str, list[str]]] = []

    def tool(route) -> None:
        posted.append(parse_qs(route.request.post_data))
        assert route.request.method == "POST"
        route.fulfill(body="<h1 id=reached>ok</h1>", content_type="text/html")

    page.route(request["redirect_uri"], tool)
    page.goto(f"{demo.hub.rstrip('/')}/oidc/authorize?{urlencode(request)}")
    if not scripts:
        page.click("#form-post-continue")

    expect(page.locator("#reached")).to_be_visible()
    (answer,) = posted
    assert answer.keys() == {"code", "state", "iss"}
    assert answer["state"] == ["d’été & <b>"]
    assert visitor.problems == []
    visitor.close()
