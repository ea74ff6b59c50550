from django.urls import include, path

from demo.tools import pages, signin, signout

urlpatterns = [
    path("", pages.home, name="home"),
    path("connexion/", signin.start, name="start"),
    path("connexion/echec/", signin.failed, name="failed"),
    path("deconnexion/", signout.leave, name="leave"),
    path("deconnexion/hub/", signout.told, name="told"),
    path("au-revoir/", signout.left, name="left"),
    path("sante", pages.health, name="health"),
    path("oidc/", include("mozilla_django_oidc.urls")),
]
