"""Every address of the hub."""

from django.urls import include, path

from hub import views

urlpatterns = [
    path("", include("launcher.urls")),
    path("", include("idp.urls")),
    path("mes-donnees/", include("consent.urls")),
    path("journal/", include("audit.urls")),
    path("compte/", include("idp.signin.urls")),
    path("langue/", views.set_language, name="set_language"),
    path("courrier/", views.mailbox, name="mailbox"),
    path("courrier/<str:key>/", views.mailbox, name="mail"),
    path("style/", views.style, name="style"),
    path("healthz", views.healthz, name="healthz"),
]
handler400 = "hub.views.bad_request"
handler403 = "hub.views.forbidden"
handler404 = "hub.views.not_found"
handler429 = "hub.views.too_many_requests"
handler500 = "hub.views.server_error"
