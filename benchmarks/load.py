"""The load generator, a process of its own: what it spends is nobody's cost.

Told by lines of JSON on standard input whom it calls, then what to get ready and how long to run; answers each with a
line.  It checks every answer, signatures included, and ends with the first wrong one.
"""

import asyncio
import base64
import hashlib
import html
import json
import random
import re
import secrets
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin

from joserfc import jwt
from joserfc.jwk import KeySet

from benchmarks.parties import REDIRECT_URI, SCOPES
from benchmarks.wire import Answer, Browser, Wrong

MOST_STEPS = 12  # pages and redirects from the first visit to the code


@dataclass
class Filled:
    """Tokens that were put into the store in bulk, ``access-<n>`` and ``refresh-<n>``, and what came of them since.

    Any of them may be next: a store that only ever meets the same few answers from its cache.
    """

    count: int
    current: dict[int, tuple[str, str]] = field(default_factory=dict)
    taken: set[int] = field(default_factory=set)

    def access(self) -> str:
        number = self._any()
        return self.current[number][0] if number in self.current else f"access-{number}"

    def take(self) -> tuple[int, str]:
        """A refresh token that nobody else is using, until it is put back."""
        number = self._any()
        while number in self.taken:
            number = self._any()
        self.taken.add(number)
        return number, self.current[number][1] if number in self.current else f"refresh-{number}"

    def put_back(self, number: int, tokens: dict[str, Any]) -> None:
        self.current[number] = (tokens["access_token"], tokens["refresh_token"])
        self.taken.remove(number)

    def _any(self) -> int:
        return random.randrange(self.count)  # noqa: S311


@dataclass
class Provider:
    """One side, as its discovery document describes it."""

    orders: dict[str, Any]
    endpoints: dict[str, Any] = field(default_factory=dict)
    keys: KeySet | None = None
    filled: Filled | None = None

    async def read(self) -> None:
        browser = self.browser(0)
        answer = await browser.get(f"{self.orders['issuer']}/.well-known/openid-configuration")
        self.endpoints = json.loads(answer.expect(200, "discovery").body)
        answer = await browser.get(self.endpoints["jwks_uri"])
        self.keys = KeySet.import_key_set(json.loads(answer.expect(200, "key set").body))
        browser.close()

    def browser(self, number: int) -> Browser:
        return Browser(self.orders["issuer"], network=f"10.0.{number // 250}.{number % 250 + 1}")

    def basic(self, tool: str) -> str:
        known = self.orders[tool]
        pair = f"{known['client_id']}:{known['client_secret']}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    def check_id_token(self, token: str, *, nonce: str | None) -> str:
        """OpenID Connect Core §3.1.3.7; returns the subject."""
        if self.keys is None:
            raise Wrong("the keys were not read")
        claims = jwt.decode(token, self.keys).claims
        expected = {"iss": self.orders["issuer"], "aud": self.orders["web"]["client_id"]}
        if any(claims[name] != value for name, value in expected.items()) or claims["exp"] < time.time():
            raise Wrong(f"ID token: {claims}")
        if nonce is not None and claims["nonce"] != nonce:
            raise Wrong("ID token: another request's nonce")
        return str(claims["sub"])


class Client:
    """A member with a browser, and a tool that acts for them."""

    def __init__(self, provider: Provider, number: int) -> None:
        self.provider, self.login = provider, provider.orders["members"][number]
        self.browser = provider.browser(number)
        self.subject = self.access_token = self.refresh_token = ""

    # What is measured: each returns when the answer is there, with what remains to be checked. -----------------

    async def sso(self) -> Callable[[], None]:
        """Authorize with session and standing consent, code, tokens, userinfo."""
        request, verifier, nonce = self._request(SCOPES)
        answer = await self.browser.get(request, cookies=True)
        tokens = await self._exchange(_redirect(answer), verifier)
        told = await self._userinfo(tokens["access_token"])
        return lambda: self._check_person(tokens, told, nonce)

    async def refresh(self) -> Callable[[], None]:
        filled = self.provider.filled
        number, sent = filled.take() if filled else (0, self.refresh_token)
        tokens = await self._tokens("web", grant_type="refresh_token", refresh_token=sent)
        if filled:
            filled.put_back(number, tokens)
        else:
            self.refresh_token = tokens["refresh_token"]

        def check() -> None:
            subject = self.provider.check_id_token(tokens["id_token"], nonce=None)
            if (
                tokens["refresh_token"] == sent
                or not tokens["access_token"]
                or (not filled and subject != self.subject)
            ):
                raise Wrong("refresh: not rotated, or somebody else's")

        return check

    async def client_credentials(self) -> Callable[[], None]:
        tokens = await self._tokens("service", grant_type="client_credentials")

        def check() -> None:
            if not tokens["access_token"] or tokens["token_type"].lower() != "bearer" or "id_token" in tokens:
                raise Wrong("client credentials: not a token of the tool's own")

        return check

    async def introspection(self) -> Callable[[], None]:
        token = self._access_token()
        address = self.provider.endpoints["introspection_endpoint"]
        form = {"token": token, "token_type_hint": "access_token"}
        answer = await self.browser.post(address, form, Authorization=self.provider.basic("web"))

        def check() -> None:
            told = json.loads(answer.expect(200, "introspection").body)
            known = self.provider.orders["web"]["client_id"]
            if told["active"] is not True or told["client_id"] != known or not told["sub"]:
                raise Wrong(f"introspection: {told}")

        return check

    async def userinfo(self) -> Callable[[], None]:
        told = await self._userinfo(self._access_token())

        def check() -> None:
            if "@" not in told["email"] or (not self.provider.filled and told["sub"] != self.subject):
                raise Wrong("userinfo: somebody else")

        return check

    async def discovery(self) -> Callable[[], None]:
        """Discovery document and key set."""
        document = await self.browser.get(f"{self.provider.orders['issuer']}/.well-known/openid-configuration")
        key_set = await self.browser.get(self.provider.endpoints["jwks_uri"])

        def check() -> None:
            if json.loads(document.expect(200, "discovery").body)["issuer"] != self.provider.orders["issuer"]:
                raise Wrong("discovery: another issuer")
            if not json.loads(key_set.expect(200, "key set").body)["keys"]:
                raise Wrong("key set: empty")

        return check

    async def home(self) -> Callable[[], None]:
        """The hub's own first page, by a member who is signed in."""
        answer = await self.browser.get(f"{self.provider.orders['issuer']}/", cookies=True)

        def check() -> None:
            answer.expect(200, "home")

        return check

    # Steps ----------------------------------------------------------------------------------------------------

    async def enter(self) -> None:
        """The first visit, through the pages of sign-in and consent, with a refresh token at its end."""
        request, verifier, nonce = self._request(f"{SCOPES} offline_access", prompt="consent")
        answer = await self.browser.get(request, cookies=True)
        where = request
        for _ in range(MOST_STEPS):
            if answer.status in (302, 303):
                where = urljoin(where, answer.headers["location"])
                if where.startswith(REDIRECT_URI):
                    break
                answer = await self.browser.get(where, cookies=True)
            else:
                action, form = self._filled_in(answer.expect(200, "page").body.decode())
                where = urljoin(where, action)
                answer = await self.browser.post(where, form, cookies=True, Origin=self.provider.orders["issuer"])
        tokens = await self._exchange(where, verifier)
        self.subject = self.provider.check_id_token(tokens["id_token"], nonce=nonce)
        self.refresh_token, self.access_token = tokens["refresh_token"], tokens["access_token"]

    async def renew(self) -> None:
        """A new access token: the last one may be over before the round is."""
        if self.provider.filled is None:
            (await self.sso())()

    def _access_token(self) -> str:
        return self.provider.filled.access() if self.provider.filled else self.access_token

    def _request(self, scope: str, **more: str) -> tuple[str, str, str]:
        verifier, nonce = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self.provider.orders["web"]["client_id"],
            "redirect_uri": REDIRECT_URI,
            "scope": scope,
            "state": "measured",
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **more,
        }
        return f"{self.provider.endpoints['authorization_endpoint']}?{urlencode(query)}", verifier, nonce

    def _filled_in(self, page: str) -> tuple[str, dict[str, str]]:
        found = re.search(r'<form[^>]* id="(sign-in|consent)-form"[^>]*>.*?</form>', page, re.DOTALL)
        if found is None:
            raise Wrong(f"a page without a form that is known: {page[:500]}")
        form = {}
        for field_ in re.findall(r"<input[^>]+>", found[0]):
            attributes = dict(re.findall(r'(\w+)="([^"]*)"', field_))
            if attributes.get("type") == "hidden":
                form[attributes["name"]] = html.unescape(attributes.get("value", ""))
        if found[1] == "sign-in":
            form |= {"login": self.login, "password": self.provider.orders["password"]}
        else:
            form["answer"] = "accept"
        action = re.search(r' action="([^"]*)"', found[0])
        return html.unescape(action[1]) if action else "", form

    async def _exchange(self, redirect: str, verifier: str) -> dict[str, Any]:
        answered = parse_qs(redirect.partition("?")[2])
        if not redirect.startswith(f"{REDIRECT_URI}?") or "code" not in answered or answered["state"] != ["measured"]:
            raise Wrong(f"authorize: {redirect}")
        form = {"code": answered["code"][0], "redirect_uri": REDIRECT_URI, "code_verifier": verifier}
        return await self._tokens("web", grant_type="authorization_code", **form)

    async def _tokens(self, tool: str, **form: str) -> dict[str, Any]:
        address = self.provider.endpoints["token_endpoint"]
        answer = await self.browser.post(address, form, Authorization=self.provider.basic(tool))
        tokens: dict[str, Any] = json.loads(answer.expect(200, form["grant_type"]).body)
        return tokens

    async def _userinfo(self, access_token: str) -> dict[str, Any]:
        address = self.provider.endpoints["userinfo_endpoint"]
        answer = await self.browser.get(address, Authorization=f"Bearer {access_token}")
        told: dict[str, Any] = json.loads(answer.expect(200, "userinfo").body)
        return told

    def _check_person(self, tokens: dict[str, Any], told: dict[str, Any], nonce: str) -> None:
        subject = self.provider.check_id_token(tokens["id_token"], nonce=nonce)
        if not self.subject == subject == told["sub"] or "@" not in told["email"]:
            raise Wrong("sso: somebody else")
        self.access_token = tokens["access_token"]


def _redirect(answer: Answer) -> str:
    if answer.status not in (302, 303):
        raise Wrong(f"authorize: {answer.status} instead of a redirect: {answer.body[:300]!r}")
    return answer.headers["location"]


async def repeat(operation: Callable[[], Awaitable[Callable[[], None]]], until: float, times: list[float]) -> None:
    while True:
        began = time.perf_counter()
        check = await operation()
        ended = time.perf_counter()
        check()
        times.append(ended - began)
        if ended >= until:
            return


async def run(clients: list[Client], operation: str, seconds: float) -> dict[str, Any]:
    """All clients at once, each one request after the other."""
    times: list[float] = []
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(repeat(getattr(client, operation), began + seconds, times))
    passed = time.perf_counter() - began
    parts = statistics.quantiles(times, n=20, method="inclusive") if len(times) > 1 else times * 19
    return {"count": len(times), "seconds": passed, "p50_ms": parts[9] * 1000, "p95_ms": parts[18] * 1000}


async def serve(line: Callable[[], Awaitable[str]]) -> None:
    provider = Provider(json.loads(await line()))
    await provider.read()
    clients = [Client(provider, number) for number in range(len(provider.orders["members"]))]
    for client in clients:
        await client.enter()
    print(json.dumps({}), flush=True)
    while text := await line():
        order = json.loads(text)
        chosen = clients[: order["clients"]]
        if "seconds" in order:
            answer = await run(chosen, order["operation"], order["seconds"])
        else:
            if order["filled"]:
                provider.filled = provider.filled or Filled(order["filled"])
                provider.filled.count = order["filled"]
            for client in chosen:
                await client.renew()
            answer = {}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(lambda: asyncio.to_thread(sys.stdin.readline)))
