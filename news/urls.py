"""Addresses of the news."""

from django.urls import path

from news import letter_pages, receiving, views, writing

app_name = "news"
urlpatterns = [
    path("", views.page, name="all"),
    path("ecrites/", writing.page, name="written"),
    path("ecrire/", writing.write, name="write"),
    path("recevoir/", receiving.page, name="receive"),
    path("recevoir/courrier/", receiving.choose, name="choose"),
    path("lettres/", letter_pages.page, name="letters"),
    path("lettres/ecrire/", letter_pages.write, name="letter_write"),
    path("lettres/<int:letter_id>/", letter_pages.one, name="letter"),
    path("lettres/<int:letter_id>/modifier/", letter_pages.change, name="letter_change"),
    path("lettres/<int:letter_id>/essai/", letter_pages.try_out, name="letter_try"),
    path("lettres/<int:letter_id>/envoyer/", letter_pages.send, name="letter_send"),
    path("lettres/<int:letter_id>/supprimer/", letter_pages.drop, name="letter_drop"),
    path("recevoir/<slug:slug>/lettres/", receiving.unmute, name="unmute"),
    path("desabonnement/lettres/<str:token>/", letter_pages.mute, name="mute"),
    path("desabonnement/<str:token>/", receiving.unsubscribe, name="unsubscribe"),
    path("recevoir/<slug:slug>/adresse/", receiving.make_feed, name="make_feed"),
    path("recevoir/<slug:slug>/fin/", receiving.end_feed, name="end_feed"),
    path("flux/<str:secret>/", receiving.feed, name="feed"),
    path("<int:brief_id>/", views.brief, name="brief"),
    path("<int:brief_id>/image/<slug:digest>.webp", views.picture, name="picture"),
    path("<int:brief_id>/ranger/", views.put_aside, name="put_aside"),
    path("<int:brief_id>/modifier/", writing.change, name="change"),
    path("<int:brief_id>/retirer/", writing.remove, name="remove"),
    path("<int:brief_id>/remettre/", writing.restore, name="restore"),
]
