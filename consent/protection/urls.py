"""Addresses of the officer's workspace."""

from django.urls import path

from consent.protection import views

app_name = "protection"
urlpatterns = [
    path("", views.home, name="home"),
    path("constats/", views.findings, name="findings"),
    path("constats/<str:code>/", views.finding, name="finding"),
    path("declare-et-transmis/", views.matrix, name="matrix"),
    path("declare-et-transmis/<slug:slug>/", views.matrix_tool, name="matrix_tool"),
]
