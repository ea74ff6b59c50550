"""Addresses of the register of processing."""

from django.urls import path, re_path

from consent.register import views

app_name = "register"
urlpatterns = [
    path("", views.listed, name="list"),
    path("nouvelle/", views.new, name="new"),
    path("organisme/", views.parties, name="parties"),
    path("importer/", views.importing, name="import"),
    re_path(r"^export\.(?P<kind>ods|csv|json|pdf)$", views.export, name="export"),
    path("<slug:reference>/", views.record, name="record"),
    path("<slug:reference>/information/", views.notice, name="notice"),
    path("<slug:reference>/versions/", views.versions, name="versions"),
    path("<slug:reference>/modifier/", views.edit, name="edit"),
    path("<slug:reference>/clore/", views.close, name="close"),
]
