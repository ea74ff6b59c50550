"""The language a tool asks for (``ui_locales``), where the member has not chosen one."""

from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation


def follow(request: HttpRequest, locales: Iterable[str]) -> None:
    """The first of these that the hub speaks (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2)."""
    if settings.LANGUAGE_COOKIE_NAME in request.COOKIES:
        return
    known = {code for code, _name in settings.LANGUAGES}
    wanted = (locale.split("-")[0].lower() for locale in locales)
    chosen = next((language for language in wanted if language in known), None)
    if chosen:
        translation.activate(chosen)
        request.LANGUAGE_CODE = chosen
