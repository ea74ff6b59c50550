"""Addresses of « Mes données »."""

from django.urls import path

from consent import views

app_name = "consent"
urlpatterns = [
    path("", views.mine, name="mine"),
    path("activite/", views.my_activity, name="activity"),
    path("opposition/<int:purpose>/", views.object_to, name="object"),
    path("opposition/<int:objection>/retirer/", views.end_objection, name="end_objection"),
    path("information/<int:notice>/", views.notice, name="notice"),
    path("choix/<int:notice>/", views.choose, name="choose"),
    path("preuve/", views.proof, name="proof"),
    path("preuve/emporter/", views.take_lines, name="take_lines"),
    path("telecharger/", views.download, name="download"),
]
