"""Addresses of the officer's workspace."""

from django.urls import path, re_path

from consent.directions import views as directions
from consent.protection import views

app_name = "protection"
urlpatterns = [
    path("", views.home, name="home"),
    path("constats/", views.findings, name="findings"),
    path("constats/<str:code>/", views.finding, name="finding"),
    path("declare-et-transmis/", views.matrix, name="matrix"),
    path("declare-et-transmis/<slug:slug>/", views.matrix_tool, name="matrix_tool"),
    path("outils/", views.tools, name="tools"),
    path("corrections/", views.corrections, name="corrections"),
    path("informations/", views.notices, name="notices"),
    path("informations/<int:number>/", views.notice, name="notice"),
    path("directives/<uuid:member>/", directions.read, name="directions"),
    path("accords/", views.decisions, name="decisions"),
    re_path(r"^accords\.(?P<kind>csv|ods)$", views.export, name="export"),
]
