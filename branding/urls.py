"""Addresses of the look."""

from django.urls import path, re_path

from branding import views

app_name = "branding"
urlpatterns = [
    path("<slug:digest>/couleurs.css", views.style, name="style"),
    path("<slug:digest>/logo.png", views.logo, name="logo"),
    re_path(
        r"^(?P<digest>[0-9a-f]{16})/icone-(?P<side>[0-9]{2,3})-(?P<kind>rond|plein)\.png$", views.icon, name="icon"
    ),
]
