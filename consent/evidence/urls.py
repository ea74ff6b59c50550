"""Addresses of the evidence pack."""

from django.urls import path

from consent.evidence import views

app_name = "evidence"
urlpatterns = [
    path("", views.page, name="page"),
    path("raison/", views.purpose, name="purpose"),
]
