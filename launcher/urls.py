"""Addresses of the launcher."""

from django.urls import path

from launcher import views
from launcher.arranging import links
from launcher.arranging import views as arranging
from launcher.order import views as order
from launcher.people import own, pages, towns, writing

app_name = "launcher"
urlpatterns = [
    path("", views.home, name="home"),
    path("favoris/<slug:slug>/", views.favourite, name="favourite"),
    path("membres/", pages.people, name="people"),
    path("membres/communes/", towns.beginning, name="towns"),
    path("membres/<uuid:member_id>/", pages.card, name="card"),
    path("membres/<uuid:member_id>/ecrire/", writing.write, name="write"),
    path("ma-fiche/", own.page, name="my_page"),
    path("ma-fiche/apercu/", own.preview, name="my_page_preview"),
    path("ordre/", order.page, name="order"),
    path("ordre/initial/", order.reset, name="order_reset"),
    path("ordre/touches/", order.keys, name="order_keys"),
    path("ordre/vue/", order.view, name="order_view"),
    path("ordre/<slug:slug>/deplacer/", order.move, name="order_move"),
    path("logos/<slug:digest>.webp", views.logo, name="logo"),
    path("accueil/", arranging.page, name="arrange"),
    path("accueil/rubriques/ajouter/", arranging.add_section, name="section_add"),
    path("accueil/rubriques/<slug:slug>/", arranging.section, name="section"),
    path("accueil/rubriques/<slug:slug>/deplacer/", arranging.move_section, name="section_move"),
    path("accueil/rubriques/<slug:slug>/retirer/", arranging.remove_section, name="section_remove"),
    path("accueil/liens/ajouter/", links.add, name="link_add"),
    path("accueil/liens/<slug:slug>/", links.change, name="link"),
    path("accueil/liens/<slug:slug>/retirer/", links.remove, name="link_remove"),
    path("accueil/outils/<slug:slug>/", arranging.tool, name="tool"),
    path("accueil/outils/<slug:slug>/logo/", arranging.logo, name="tool_logo"),
    path("accueil/outils/<slug:slug>/demandes/", arranging.rule, name="tool_rule"),
    path("accueil/outils/<slug:slug>/etat/", arranging.condition, name="tool_condition"),
    path("accueil/outils/<slug:slug>/deplacer/", arranging.move_tool, name="tool_move"),
]
