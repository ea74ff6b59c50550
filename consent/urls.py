"""Addresses of « Mes données »."""

from django.urls import path

from consent import views

app_name = "consent"
urlpatterns = [
    path("", views.mine, name="mine"),
    path("telecharger/", views.download, name="download"),
]
