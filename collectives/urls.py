"""Addresses of the pages of collectives."""

from django.urls import path

from collectives import views
from collectives.members import views as members

app_name = "collectives"
urlpatterns = [
    path("", views.page, name="list"),
    path("<slug:slug>/", views.one, name="one"),
    path("<slug:slug>/suivre/", views.follow, name="follow"),
    path("<slug:slug>/page/", views.describe, name="describe"),
    path("<slug:slug>/nuage/", views.held, name="cloud"),
    path("<slug:slug>/membres/", members.page, name="members"),
    path("<slug:slug>/membres/<uuid:member_id>/", members.one, name="member"),
]
