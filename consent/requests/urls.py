"""Addresses of requests: of whoever makes them, and of the officers who answer."""

from django.urls import path, re_path

from consent.requests import views

app_name = "requests"
urlpatterns = [
    path("mes-donnees/demandes/", views.mine, name="mine"),
    path("mes-donnees/demandes/<slug:reference>/", views.own, name="own"),
    path("mes-donnees/demandes/<slug:reference>/reprendre/", views.withdraw, name="withdraw"),
    path("mes-donnees/demandes/<slug:reference>/degeler/", views.unfreeze, name="unfreeze"),
    path("mes-donnees/demandes/<slug:reference>/piece/<int:number>/", views.file, name="file"),
    path("demandes/", views.inbox, name="inbox"),
    path("demandes/saisir/", views.enter, name="enter"),
    path("demandes/lettres/", views.all_letters, name="letters"),
    re_path(r"^demandes/lettres/(?P<name>[a-z_]{1,24})/(?P<language>fr|en)/$", views.letter, name="letter"),
    path("demandes/<slug:reference>/", views.case, name="case"),
    path("demandes/<slug:reference>/piece/<int:number>/", views.evidence, name="evidence"),
]
