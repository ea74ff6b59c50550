"""Addresses of contracts with processors."""

from django.urls import path

from consent.contracts import views

app_name = "contracts"
urlpatterns = [
    path("", views.listed, name="list"),
    path("<slug:reference>/<int:place>/", views.contract, name="contract"),
    path("<slug:reference>/texte/<str:digest>/", views.file, name="file"),
]
