"""The address of security measures."""

from django.urls import path

from consent.safety import views

app_name = "safety"
urlpatterns = [path("", views.page, name="page")]
