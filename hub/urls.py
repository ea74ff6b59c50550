"""Every address of the hub."""

from django.urls import include, path, re_path

from hub import published, views, webapp

urlpatterns = [
    path("", include("launcher.urls")),
    path("collectifs/", include("collectives.urls")),
    path("breves/", include("news.urls")),
    path("", include("idp.urls")),
    path("", include("consent.requests.urls")),
    path("mes-donnees/", include("consent.urls")),
    path("protection/", include("consent.protection.urls")),
    path("registre/", include("consent.register.urls")),
    path("analyses/", include("consent.screening.urls")),
    path("contrats/", include("consent.contracts.urls")),
    path("mesures/", include("consent.safety.urls")),
    path("dossier/", include("consent.evidence.urls")),
    path("violations/", include("consent.incidents.urls")),
    path("journal/", include("audit.urls")),
    path("audit/keys", published.keys, name="log_keys"),
    path("audit/verify.py", published.program, name="log_program"),
    re_path(r"^audit/(?P<name>[a-z0-9.-]{1,40})/checkpoint$", published.checkpoint, name="log_checkpoint"),
    re_path(r"^audit/(?P<name>[a-z0-9.-]{1,40})/cosignatures$", published.cosignatures, name="log_cosignatures"),
    re_path(r"^audit/(?P<name>[a-z0-9.-]{1,40})/tile/(?P<path>[a-z0-9./]{1,60})$", published.tile, name="log_tile"),
    path("identite/", include("branding.urls")),
    path("compte/", include("idp.signin.urls")),
    path("langue/", views.set_language, name="set_language"),
    path("courrier/", views.mailbox, name="mailbox"),
    path("courrier/<str:key>/", views.mailbox, name="mail"),
    path("courrier/<str:key>/mise-en-page/", views.mail_page, name="mail_page"),
    path("style/", views.style, name="style"),
    path("plan/", views.site_map, name="site_map"),
    path("accessibilite/", views.accessibility, name="accessibility"),
    path("manifest.webmanifest", webapp.manifest, name="manifest"),
    path("service-worker.js", webapp.service_worker, name="service_worker"),
    path("hors-ligne/", webapp.offline, name="offline"),
    path("healthz", views.healthz, name="healthz"),
]
handler400 = "hub.views.bad_request"
handler403 = "hub.views.forbidden"
handler404 = "hub.views.not_found"
handler429 = "hub.views.too_many_requests"
handler500 = "hub.views.server_error"
