"""Addresses of the provider."""

from django.urls import path

from idp.views import authorize, logout, member, metadata, tokens

app_name = "idp"
urlpatterns = [
    path(".well-known/openid-configuration", metadata.discovery, name="discovery"),
    path(".well-known/oauth-authorization-server", metadata.discovery, name="server_metadata"),
    path("oidc/jwks", metadata.jwks, name="jwks"),
    path("oidc/authorize", authorize.authorize, name="authorize"),
    path("oidc/consent", authorize.consent, name="consent"),
    path("oidc/token", tokens.token, name="token"),
    path("oidc/userinfo", tokens.userinfo, name="userinfo"),
    path("oidc/introspect", tokens.introspect, name="introspect"),
    path("oidc/revoke", tokens.revoke, name="revoke"),
    path("oidc/logout", logout.end_session, name="end_session"),
    path("deconnexion/", logout.sign_out, name="sign_out"),
    path("deconnexion/faite/", logout.logged_out, name="logged_out"),
    path("outils/<slug:slug>/ouvrir/", member.open_tool, name="open"),
    path("outils/<slug:slug>/retrait/", member.withdraw, name="withdraw"),
]
