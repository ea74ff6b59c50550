"""Addresses of the register of breaches."""

from django.urls import path, re_path

from consent.incidents import purpose, views

app_name = "incidents"
urlpatterns = [
    path("", views.listed, name="list"),
    path("nouvelle/", views.new, name="new"),
    path("raison/", purpose.purpose, name="purpose"),
    re_path(r"^export\.(?P<kind>ods|csv)$", views.export, name="export"),
    path("<slug:reference>/", views.incident, name="incident"),
    path("<slug:reference>/compter/", views.count, name="count"),
    path("<slug:reference>/comptages/<int:number>/ecarter/", views.set_aside, name="set_aside"),
    path("<slug:reference>/personnes/<int:number>/", views.people, name="people"),
    re_path(r"^(?P<reference>[-\w]+)/notification\.(?P<kind>html|json)$", views.draft, name="draft"),
    re_path(r"^(?P<reference>[-\w]+)/lettre-(?P<language>fr|en)\.html$", views.letter, name="letter"),
    path("<slug:reference>/<slug:step>/", views.step, name="step"),
]
