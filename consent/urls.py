"""Addresses of « Mes données »."""

from django.urls import path

from consent import views
from consent.directions import views as directions
from consent.own import views as own
from consent.receipts import views as receipts

app_name = "consent"
urlpatterns = [
    path("", views.mine, name="mine"),
    path("activite/", views.my_activity, name="activity"),
    path("historique/", views.my_history, name="history"),
    path("opposition/<int:purpose>/", views.object_to, name="object"),
    path("opposition/<int:objection>/retirer/", views.end_objection, name="end_objection"),
    path("information/<int:notice>/", views.notice, name="notice"),
    path("choix/<int:notice>/", views.choose, name="choose"),
    path("accords/", receipts.agreements, name="agreements"),
    path("accords/<int:consent>/", receipts.receipt, name="receipt"),
    path("accords/<int:consent>/emporter/", receipts.take_receipt, name="take_receipt"),
    path("preuve/", views.proof, name="proof"),
    path("preuve/emporter/", views.take_lines, name="take_lines"),
    path("directives/", directions.mine, name="directions"),
    path("directives/retirer/", directions.withdraw, name="withdraw_directions"),
    path("telecharger/", own.take, name="take"),
    path("telecharger/tout/", own.take_all, name="take_all"),
    path("telecharger/pdf/", own.take_pdf, name="take_pdf"),
    path("telecharger/carte/", own.take_card, name="take_card"),
    path("telecharger/fourni/", own.take_given, name="take_given"),
    path("telecharger/donnees/", own.download, name="download"),
]
