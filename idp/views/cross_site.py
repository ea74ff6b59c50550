"""A form posted by a page of another site brings no ``SameSite=Lax`` cookie: the member behind it is not seen."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from idp.views.onward import see_other


def came_without_cookie(request: HttpRequest) -> bool:
    """Whether nothing may be concluded, or begun, from the absence of a session in this request."""
    return request.method == "POST" and settings.SESSION_COOKIE_NAME not in request.COOKIES


def same_by_get(name: str, query: str) -> HttpResponse:
    """The same request once more, as a navigation that brings the cookie."""
    return see_other(f"{reverse(name)}?{query}")
