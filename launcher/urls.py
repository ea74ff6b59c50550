"""Addresses of the launcher."""

from django.urls import path

from launcher import views
from launcher.people import own, pages

app_name = "launcher"
urlpatterns = [
    path("", views.home, name="home"),
    path("favoris/<slug:slug>/", views.favourite, name="favourite"),
    path("membres/", pages.people, name="people"),
    path("membres/<uuid:member_id>/", pages.card, name="card"),
    path("ma-fiche/", own.page, name="my_page"),
    path("ma-fiche/apercu/", own.preview, name="my_page_preview"),
]
