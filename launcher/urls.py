"""Addresses of the launcher."""

from django.urls import path

from launcher import views

app_name = "launcher"
urlpatterns = [
    path("", views.home, name="home"),
    path("favoris/<slug:slug>/", views.favourite, name="favourite"),
]
