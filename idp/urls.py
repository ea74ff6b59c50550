"""Addresses of the provider."""

from django.urls import path

from idp.views import (
    agreement,
    authorize,
    deliveries,
    device,
    logout,
    member,
    metadata,
    par,
    registration,
    session_iframe,
    tokens,
)

app_name = "idp"
urlpatterns = [
    path(".well-known/openid-configuration", metadata.discovery, name="discovery"),
    path(".well-known/oauth-authorization-server", metadata.server_metadata, name="server_metadata"),
    path(".well-known/oauth-protected-resource", metadata.resource_metadata, name="resource_metadata"),
    path(
        ".well-known/oauth-protected-resource/oidc/userinfo",
        metadata.resource_metadata,
        {"resource": "userinfo"},
        name="userinfo_metadata",
    ),
    path("oidc/jwks", metadata.jwks, name="jwks"),
    path("oidc/authorize", authorize.authorize, name="authorize"),
    path("oidc/authorize/suite/<str:key>", authorize.resume, name="resume"),
    path("oidc/authorize/relais/<str:key>", authorize.relayed, name="relayed"),
    path("oidc/par", par.push, name="par"),
    path("oidc/device_authorization", device.start, name="device_authorization"),
    path("oidc/consent", agreement.answer, name="consent"),
    path("oidc/token", tokens.token, name="token"),
    path("oidc/userinfo", tokens.userinfo, name="userinfo"),
    path("oidc/introspect", tokens.introspect, name="introspect"),
    path("oidc/revoke", tokens.revoke, name="revoke"),
    path("oidc/register", registration.register, name="register"),
    path("oidc/register/<str:client_id>", registration.manage, name="registered"),
    path("oidc/logout", logout.end_session, name="end_session"),
    path("oidc/session", session_iframe.session_iframe, name="session_iframe"),
    path("deconnexion/", logout.sign_out, name="sign_out"),
    path("deconnexion/faite/", logout.logged_out, name="logged_out"),
    path("appareil/", device.page, name="device"),
    path("appareil/relie/", device.done, {"linked": True}, name="device_linked"),
    path("appareil/refuse/", device.done, {"linked": False}, name="device_refused"),
    path("outils/<slug:slug>/ouvrir/", member.open_tool, name="open"),
    path("outils/ouverts/", logout.open_tools, name="open_tools"),
    path("outils/<slug:slug>/fermer/", logout.close_tool, name="close_tool"),
    path("technique/deconnexions/", deliveries.log, name="deliveries"),
    path("technique/deconnexions/relance/", deliveries.retry, name="retry_deliveries"),
    path("outils/<slug:slug>/retrait/", member.withdraw, name="withdraw"),
]
