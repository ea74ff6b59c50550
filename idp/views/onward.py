"""Sending the browser on."""

from django.http import HttpResponse, HttpResponseRedirect


def see_other(uri: str) -> HttpResponse:
    """To this address by GET, whatever the request was (RFC 9110 §15.4.4).

    RFC 9700 §4.12: 303, so that a form with credentials is never sent on.  Nobody keeps the answer or learns from where
    it came: the address may hold a code.
    """
    response: HttpResponse = HttpResponseRedirect(uri)
    response.status_code = 303
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response
