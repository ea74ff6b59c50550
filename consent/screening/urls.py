"""Addresses of impact assessments."""

from django.urls import path

from consent.screening import views

app_name = "screening"
urlpatterns = [
    path("", views.listed, name="list"),
    path("<slug:reference>/", views.record, name="record"),
]
