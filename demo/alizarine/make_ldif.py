#!/usr/bin/env python3
"""The demonstration directory: deterministic LDIF for a worker cooperative that does not exist.

Nobody in it is real: people, addresses and business names are invented or drawn from lists by a seeded
generator, mails and sites end in ``.example``, telephone numbers lie in the ranges ARCEP keeps for
fiction (04 65 71 xx xx, 06 39 98 xx xx).  The same arguments always give the same bytes.

    python demo/alizarine/make_ldif.py --out ldif --quirks

writes two snapshots (``slapadd``), the changes from the first to the second (``ldapmodify``), the extra
schema, the password policy, and ``alizarine.json``: who can sign in, and what each nasty case must come to.
Standard library only.
"""

# Word lists and tables are laid out by hand, and helpers are untyped: a generator of test data, not the hub.
# fmt: off
# mypy: ignore-errors
# ruff: noqa: B007, B023, E501, S105, S311, S324, SIM905, UP031, UP032, RUF005
import argparse
import base64
import copy
import datetime
import hashlib
import json
import os
import random
import struct
import sys
import unicodedata
import uuid

VERSION = 1

# --------------------------------------------------------------------------
# Word lists
# --------------------------------------------------------------------------
FEMININE = """Adèle Agnès Aïcha Alice Amandine Anaïs Andréa Anne-Laure Anne-Sophie
Aurélie Béatrice Bérengère Camille Capucine Cécile Céline Chloé Claire Clémence
Coralie Delphine Élise Éloïse Émilie Estelle Eugénie Fanny Farida Fatima Florence
Françoise Gaëlle Geneviève Hélène Héloïse Inès Isabelle Jeanne Joëlle Josiane
Julie Juliette Justine Karine Laetitia Laure Léa Leïla Lila Lise Lou Louise
Lucie Madeleine Maëlys Magali Manon Margaux Marie Marie-Ange Marie-Thérèse Marine
Mathilde Maud Mélanie Mireille Muriel Myriam Nadège Nadia Noémie Océane Pauline
Rachida Raphaëlle Régine Romane Sabrina Salomé Sandrine Sarah Séverine Solène
Sophie Soukeyna Stéphanie Sylvie Thaïs Valérie Véronique Violaine Yaël Zoé Zélie
Maïa Thi-Mai Nolwenn Ludivine Clémentine""".split()
MASCULINE = """Abdel Adrien Alain Alexandre Amadou Anthony Antoine Arnaud Aurélien
Baptiste Bastien Benoît Bernard Bertrand Boris Brice Bruno Cédric Charles Christophe
Clément Cyril Damien David Denis Didier Dominique Édouard Emmanuel Éric Étienne Fabien
Fabrice Félix Florent Franck François Frédéric Gaël Gaëtan Gérard Gilles Grégory
Guilhem Guillaume Hadrien Hervé Hugo Ibrahim Jacques Jean-Baptiste Jean-Christophe
Jean-François Jean-Luc Jérémie Jérôme Joël Jordi José Joseph Julien Karim Kévin
Laurent Léo Loïc Louis Luc Lucas Malik Marc Mathieu Maxime Mehdi Michaël Michel Mohamed
Nicolas Noël Olivier Pascal Patrice Patrick Paul Philippe Pierre Pierre-Yves Quentin
Raphaël Rémi Rémy René Romain Samuel Sébastien Simon Stéphane Sylvain Théo Thibaud
Thierry Thomas Tristan Vincent Xavier Yann Yannick Yassine Yves Zacharie""".split()
SURNAMES = """Abbal Allègre Alonso André Arnal Astruc Aubert Azéma Barbe Barral Barthès
Bastide Benali Benhaddou Bernard Berthézène Bonnafous Bonnet Bouchard Bousquet Boyer
Brémond Cabanel Calvet Cambon Carrière Castel Causse Cazalis Chabaud Chauvet Combes
Coste Dalmasso Daudé Delmas Delpuech Deleuze Diallo Diop Domergue Dupuy Durand Escande
Espinosa Estève Fabre Faure Ferrand Ferreira Fesquet Fontanès Fournier Gairaud Galtier
Garcia Gasc Gaubert Gély Gineste Girard Granier Gros Guérin Guibal Haddad Huc Itier Jalabert
Jaoul Jeanjean Jourdan Julien Laborie Lacombe Laurens Lautier Lefèvre Leroy Lopez Loubière
Maillé Malafosse Marcé Marquès Martin Martinez Mas Masson Maurin Mazet Méjean Mercadier
Michel Molinier Montagné Moreau Mouton Navarro Nguyễn Nicolaï Nogaret Oliveira Ortiz Ozanne
Pagès Palomo Pascal Pélissier Peyre Philippe Pical Pieyre Pinède Plagnol Portalès Pouget
Pradeilles Puech Quérol Ramirez Raynaud Reboul Ricard Rigal Rivière Robert Rodriguez
Roques Roussel Rouvière Sabatier Salaün Salles Sanchez Saumade Savy Serre Sicard Simon
Sœur Soulier Tardieu Teissier Terral Thérond Thomas Traoré Valette Verdier Vernhet Vidal
Viala Vigné Villaret Warnery Yılmaz Zerbib Zwilling""".split()
PARTICLES = ["de ", "d’", "du ", "de La ", "Le ", "L’", "de Saint-", "des "]
PARTICLE_NAMES = {
    "de ": ["Boissezon", "Vogüé", "Lunaret", "Cambis"],
    "d’": ["Aurelle", "Estaing", "Hauteville", "Albenas"],
    "du ": ["Cailar", "Plessis", "Puy"],
    "de La ": ["Tour", "Fare", "Croix", "Motte"],
    "Le ": ["Goff", "Bihan", "Floch", "Gall"],
    "L’": ["Hostis", "Herbier"],
    "de Saint-": ["Félix", "Rome", "Priest"],
    "des ": ["Essarts", "Horts"],
}

# (town, postcode, département, latitude, longitude, territory key)
TOWNS = [
    ("Montpellier", "34000", "Hérault", 43.6119, 3.8772, "montpellier"),
    ("Montpellier", "34070", "Hérault", 43.5980, 3.8590, "montpellier"),
    ("Montpellier", "34080", "Hérault", 43.6210, 3.8270, "montpellier"),
    ("Montpellier", "34090", "Hérault", 43.6330, 3.8680, "montpellier"),
    ("Castelnau-le-Lez", "34170", "Hérault", 43.6369, 3.9019, "montpellier"),
    ("Lattes", "34970", "Hérault", 43.5678, 3.9044, "montpellier"),
    ("Pérols", "34470", "Hérault", 43.5653, 3.9522, "montpellier"),
    ("Juvignac", "34990", "Hérault", 43.6136, 3.8086, "montpellier"),
    ("Saint-Jean-de-Védas", "34430", "Hérault", 43.5778, 3.8258, "montpellier"),
    ("Jacou", "34830", "Hérault", 43.6608, 3.9097, "montpellier"),
    ("Le Crès", "34920", "Hérault", 43.6481, 3.9392, "montpellier"),
    ("Palavas-les-Flots", "34250", "Hérault", 43.5283, 3.9311, "montpellier"),
    ("Mauguio", "34130", "Hérault", 43.6172, 4.0083, "lunel"),
    ("Lunel", "34400", "Hérault", 43.6778, 4.1361, "lunel"),
    ("Saint-Mathieu-de-Tréviers", "34270", "Hérault", 43.7689, 3.8583, "picsaintloup"),
    ("Les Matelles", "34270", "Hérault", 43.7292, 3.8131, "picsaintloup"),
    ("Ganges", "34190", "Hérault", 43.9336, 3.7081, "picsaintloup"),
    ("Gignac", "34150", "Hérault", 43.6519, 3.5514, "coeurherault"),
    ("Clermont-l’Hérault", "34800", "Hérault", 43.6275, 3.4325, "coeurherault"),
    ("Lodève", "34700", "Hérault", 43.7317, 3.3178, "coeurherault"),
    ("Saint-Guilhem-le-Désert", "34150", "Hérault", 43.7350, 3.5489, "coeurherault"),
    ("Sète", "34200", "Hérault", 43.4053, 3.6978, "thau"),
    ("Frontignan", "34110", "Hérault", 43.4483, 3.7561, "thau"),
    ("Mèze", "34140", "Hérault", 43.4264, 3.6053, "thau"),
    ("Marseillan", "34340", "Hérault", 43.3550, 3.5275, "thau"),
    ("Béziers", "34500", "Hérault", 43.3442, 3.2158, "biterrois"),
    ("Agde", "34300", "Hérault", 43.3108, 3.4758, "biterrois"),
    ("Pézenas", "34120", "Hérault", 43.4614, 3.4236, "biterrois"),
    ("Bédarieux", "34600", "Hérault", 43.6144, 3.1586, "hautlanguedoc"),
    ("Olargues", "34390", "Hérault", 43.5567, 2.9153, "hautlanguedoc"),
    ("Saint-Pons-de-Thomières", "34220", "Hérault", 43.4886, 2.7608, "hautlanguedoc"),
    ("Nîmes", "30000", "Gard", 43.8367, 4.3601, "nimes"),
    ("Nîmes", "30900", "Gard", 43.8260, 4.3400, "nimes"),
    ("Vauvert", "30600", "Gard", 43.6939, 4.2764, "nimes"),
    ("Aigues-Mortes", "30220", "Gard", 43.5667, 4.1917, "nimes"),
    ("Beaucaire", "30300", "Gard", 43.8075, 4.6442, "nimes"),
    ("Sommières", "30250", "Gard", 43.7828, 4.0897, "lunel"),
    ("Quissac", "30260", "Gard", 43.9117, 3.9992, "cevennes"),
    ("Le Vigan", "30120", "Gard", 43.9908, 3.6044, "cevennes"),
    ("Saint-Hippolyte-du-Fort", "30170", "Gard", 43.9653, 3.8572, "cevennes"),
    ("Anduze", "30140", "Gard", 44.0550, 3.9861, "cevennes"),
    ("Alès", "30100", "Gard", 44.1250, 4.0811, "cevennes"),
    ("Uzès", "30700", "Gard", 44.0122, 4.4197, "uzege"),
    ("Bagnols-sur-Cèze", "30200", "Gard", 44.1628, 4.6197, "uzege"),
    ("Narbonne", "11100", "Aude", 43.1836, 3.0042, "aude"),
    ("Gruissan", "11430", "Aude", 43.1075, 3.0867, "aude"),
    ("Lézignan-Corbières", "11200", "Aude", 43.2006, 2.7581, "aude"),
    ("Lagrasse", "11220", "Aude", 43.0911, 2.6183, "aude"),
    ("Carcassonne", "11000", "Aude", 43.2130, 2.3491, "aude"),
    ("Limoux", "11300", "Aude", 43.0542, 2.2189, "aude"),
    ("Castelnaudary", "11400", "Aude", 43.3181, 1.9539, "aude"),
]
TOWN_WEIGHTS = [9, 7, 7, 7, 4, 3, 2, 2, 3, 2, 2, 1, 2, 3, 1, 1, 2, 3, 3, 3, 1, 5, 2, 2,
                1, 5, 2, 2, 1, 1, 1, 5, 3, 1, 1, 1, 2, 1, 2, 1, 1, 4, 2, 1, 3, 1, 1, 1, 3,
                1, 1]
TERRITORIES = {
    "montpellier": "Montpellier Méditerranée",
    "lunel": "Pays de Lunel & Sommières",
    "picsaintloup": "Pic Saint-Loup & Ganges",
    "coeurherault": "Cœur d’Hérault",
    "thau": "Bassin de Thau",
    "biterrois": "Biterrois",
    "hautlanguedoc": "Haut-Languedoc",
    "nimes": "Nîmes & Petite Camargue",
    "cevennes": "Cévennes",
    "uzege": "Uzège & Gard rhodanien",
    "aude": "Narbonnais & Carcassonnais",
}
# pole key -> (label, [(feminine trade, masculine trade), ...])
POLES = {
    "numerique": ("Numérique", [
        ("Développeuse web", "Développeur web"), ("Intégratrice WordPress", "Intégrateur WordPress"),
        ("Administratrice systèmes libres", "Administrateur systèmes libres"),
        ("Conseillère en accessibilité numérique", "Conseiller en accessibilité numérique"),
        ("Médiatrice numérique", "Médiateur numérique"), ("Cartographe SIG", "Cartographe SIG")]),
    "batiment": ("Bâtiment & éco-construction", [
        ("Maître d’œuvre", "Maître d’œuvre"), ("Peintre en décor", "Peintre en décor"),
        ("Charpentière", "Charpentier"), ("Maçonne terre crue", "Maçon terre crue"),
        ("Électricienne", "Électricien"), ("Thermicienne", "Thermicien")]),
    "bienetre": ("Bien-être & santé", [
        ("Sophrologue", "Sophrologue"), ("Naturopathe", "Naturopathe"),
        ("Praticienne shiatsu", "Praticien shiatsu"), ("Professeure de yoga", "Professeur de yoga"),
        ("Réflexologue", "Réflexologue")]),
    "spectacle": ("Culture & spectacle vivant", [
        ("Comédienne", "Comédien"), ("Régisseuse son", "Régisseur son"), ("Musicienne", "Musicien"),
        ("Chargée de production", "Chargé de production"), ("Costumière", "Costumier"),
        ("Conteuse", "Conteur")]),
    "formation": ("Formation & conseil", [
        ("Formatrice", "Formateur"), ("Consultante en ESS", "Consultant en ESS"),
        ("Coach professionnelle", "Coach professionnel"), ("Facilitatrice", "Facilitateur"),
        ("Conseillère en gestion", "Conseiller en gestion")]),
    "artisanat": ("Artisanat d’art", [
        ("Céramiste", "Céramiste"), ("Tapissière", "Tapissier"), ("Relieuse", "Relieur"),
        ("Ébéniste", "Ébéniste"), ("Teinturière végétale", "Teinturier végétal"),
        ("Vitrailliste", "Vitrailliste"), ("Maroquinière", "Maroquinier")]),
    "paysage": ("Paysage & jardins", [
        ("Paysagiste", "Paysagiste"), ("Jardinière", "Jardinier"), ("Élagueuse", "Élagueur"),
        ("Animatrice nature", "Animateur nature"), ("Botaniste", "Botaniste")]),
    "communication": ("Communication & graphisme", [
        ("Graphiste", "Graphiste"), ("Illustratrice", "Illustrateur"),
        ("Chargée de communication", "Chargé de communication"), ("Rédactrice web", "Rédacteur web"),
        ("Community manager", "Community manager")]),
    "personne": ("Services à la personne", [
        ("Assistante administrative", "Assistant administratif"), ("Écrivaine publique", "Écrivain public"),
        ("Aide à domicile", "Aide à domicile"), ("Coiffeuse à domicile", "Coiffeur à domicile")]),
    "alimentation": ("Alimentation & restauration", [
        ("Traiteur", "Traiteur"), ("Boulangère", "Boulanger"), ("Torréfactrice", "Torréfacteur"),
        ("Conserveuse", "Conserveur"), ("Conseillère en diététique", "Conseiller en diététique")]),
    "langues": ("Langues & écriture", [
        ("Traductrice", "Traducteur"), ("Correctrice", "Correcteur"),
        ("Professeure d’occitan", "Professeur d’occitan"), ("Biographe", "Biographe")]),
    "image": ("Image & son", [
        ("Photographe", "Photographe"), ("Vidéaste", "Vidéaste"), ("Monteuse", "Monteur"),
        ("Preneuse de son", "Preneur de son")]),
}
STAFF_TRADES = [
    ("Directrice", "Directeur", "direction"),
    ("Responsable administrative et financière", "Responsable administratif et financier", "gestion"),
    ("Chargée d’accompagnement", "Chargé d’accompagnement", "accompagnement"),
    ("Chargée d’accompagnement", "Chargé d’accompagnement", "accompagnement"),
    ("Gestionnaire de paie", "Gestionnaire de paie", "gestion"),
    ("Comptable", "Comptable", "gestion"),
    ("Chargée de vie coopérative", "Chargé de vie coopérative", "viecoop"),
    ("Administratrice systèmes", "Administrateur systèmes", "informatique"),
    ("Chargée de communication", "Chargé de communication", "viecoop"),
    ("Assistante de gestion", "Assistant de gestion", "gestion"),
]
TEAMS = {
    "direction": "Direction",
    "gestion": "Comptabilité & paie",
    "accompagnement": "Accompagnement",
    "viecoop": "Vie coopérative",
    "informatique": "Informatique",
}
SELF_RUN = ["Bibliothèque d’outils", "Café des solutions", "Covoiturage", "Groupe d’achat",
            "Jardin partagé", "Atelier vélo", "Chorale « Les Tessitures »", "Cercle de lecture",
            "Entraide compta", "Marché de Noël", "Veille RGPD", "Occitan du midi"]
BOARDS = [("Conseil coopératif", 12), ("Commission admissions", 6), ("Commission égalité", 5)]
ACTIVITY_A = ["Atelier", "Studio", "Maison", "La Fabrique", "Les Ateliers", "Cabinet", "Le Comptoir",
              "Labo", "La Bobine", "Ô", "Chez", "Compagnie"]
ACTIVITY_B = ["Garance", "Tramontane", "de la Garrigue", "des Micocouliers", "du Lez", "Cigale",
              "Romarin", "des Cévennes", "Mistral", "Arc-en-Ciel", "Salicorne", "du Peyrou", "Grenat",
              "des Étangs", "Vert Amande", "Lagune", "Figuier", "Capucine", "Ardoise", "Oléa",
              "Indigo", "Thym & Cie", "Soleil d’Oc", "Pin Parasol", "Azerole", "Mandragore"]
STREETS = ["rue des Cévennes", "chemin de la Garrigue", "avenue du Pic-Saint-Loup", "rue de l’Aiguillerie",
           "impasse des Genêts", "place de la Fontaine", "rue Jean-Jaurès", "boulevard des Arceaux",
           "route de Mende", "rue du Faubourg-Figuerolles", "allée des Tamaris", "quai de la Résistance",
           "rue de la République", "traverse des Oliviers", "chemin du Mas-de-l’Huile"]
INTROS = ["Au plaisir de coopérer.", "Disponible pour des interventions en entreprise.",
          "Je travaille à mi-temps, plutôt le matin.", "Membre de la coopérative depuis {year}.",
          "Devis gratuit sous 48 h.", "Certifiée Qualiopi.", "Ouvert aux projets collectifs !",
          "Tarif solidaire possible.", "Déplacements dans tout l’Hérault et le Gard.",
          "« Faire ensemble » depuis {year} — ateliers, chantiers, rencontres."]
LANGS = ["fr"] * 16 + ["fr-FR", "oc", "en", "es"]

# Demo people: fixed, always first, the same for every seed.
# (uid, givenName, sn, feminine?, employeeType, trade, pole/team, password, scheme, state, note)
DEMO = [
    ("noemie.ferrand", "Noémie", "Ferrand", True, "entrepreneur salarié", "Céramiste", "artisanat",
     "alizarine-garrigue", "SSHA", "active", "ordinary member"),
    ("benoit.de-la-tour", "Benoît", "de La Tour", False, "associé", "Développeur web", "numerique",
     "alizarine-tramontane", "ARGON2", "active", "associate, leads the Numérique cluster"),
    ("lea.martinez-roux", "Léa", "Martinez-Roux", True, "structure", "Administratrice systèmes", "informatique",
     "alizarine-structure", "ARGON2", "active", "staff, directory manager"),
    ("karim.benali", "Karim", "Benali", False, "structure", "Chargé d’accompagnement", "accompagnement",
     "alizarine-chantier", "SSHA", "active", "staff, accompanies members"),
    ("mireille.vidal", "Mireille", "Vidal", True, "associé", "Formatrice", "formation",
     "alizarine-conseil", "SSHA", "active", "chairs the Conseil coopératif"),
    ("hugo.castel", "Hugo", "Castel", False, "entrepreneur salarié", "Photographe", "image",
     "alizarine-verrou", "SSHA", "locked", "locked in place: right password, sign-in must fail"),
    ("ines.oliveira", "Inès", "Oliveira", True, "entrepreneur salarié", "Traductrice", "langues",
     "alizarine-ancienne", "SSHA", "former", "left (ou=anciens): right password, sign-in must fail"),
]
# slappasswd -o module-load=argon2 -h '{ARGON2}' gave these (stdlib has no Argon2)
ARGON2 = {
    "alizarine-tramontane":
        "{ARGON2}$argon2i$v=19$m=4096,t=3,p=1$2ikrcemSS2dvkgJvvdeLtQ$QD189u50ZXjMbg25xKGGgOTUs35/Oxpd6t2WN2JOeTI",
    "alizarine-structure":
        "{ARGON2}$argon2i$v=19$m=4096,t=3,p=1$XrbADuRcvw+N+3lUCYKflQ$Jg+KvWEmdwx52DtNiQ/MgRDZgAip7x1jd7UYYE/xocI",
}
SERVICE_ACCOUNTS = [
    ("hub-lecture", "alizarine-hub-lecture", "read-only account of the hub (sync)"),
    ("hub-ecriture", "alizarine-hub-ecriture", "write account of the hub (self-service, password change)"),
]
LOCKED_FOREVER = "000001010000Z"

# The extra schema (cn=config form).  OIDs hang under a UUID arc (ITU-T X.667), so
# they collide with nobody's and need no registration.
OID_ARC = "2.25.216196034563204846395811219377480437823"
SCHEMA = """dn: cn=cae,cn=schema,cn=config
objectClass: olcSchemaConfig
cn: cae
olcAttributeTypes: ( {arc}.1.1 NAME 'caeLatitude' DESC 'decimal degrees, WGS 84, point as separator' EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{{16}} SINGLE-VALUE )
olcAttributeTypes: ( {arc}.1.2 NAME 'caeLongitude' DESC 'decimal degrees, WGS 84, point as separator' EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{{16}} SINGLE-VALUE )
olcAttributeTypes: ( {arc}.1.3 NAME 'caeEntryDate' DESC 'day of joining the cooperative' EQUALITY generalizedTimeMatch ORDERING generalizedTimeOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE )
olcObjectClasses: ( {arc}.2.1 NAME 'caePerson' DESC 'member or staff of a cooperative' SUP top AUXILIARY MAY ( caeLatitude $ caeLongitude $ caeEntryDate ) )
""".format(arc=OID_ARC)

PWD_POLICY = """dn: ou=politiques,{base}
objectClass: organizationalUnit
ou: politiques

dn: cn=defaut,ou=politiques,{base}
objectClass: applicationProcess
objectClass: pwdPolicy
cn: defaut
pwdAttribute: userPassword
pwdMinLength: 12
pwdCheckQuality: 1
pwdInHistory: 3
pwdMaxFailure: 10
pwdLockout: TRUE
pwdLockoutDuration: 300
pwdFailureCountInterval: 600
pwdMaxAge: 0
pwdMustChange: TRUE
pwdAllowUserChange: TRUE
pwdSafeModify: FALSE
"""


# --------------------------------------------------------------------------
# LDIF and DN helpers
# --------------------------------------------------------------------------
def dn_escape(value):
    out = []
    for i, ch in enumerate(value):
        if ch in ',+"\\<>;=':
            out.append("\\" + ch)
        elif ch == "#" and i == 0:
            out.append("\\#")
        elif ch == " " and i in (0, len(value) - 1):
            out.append("\\20")
        elif ch == "\0":
            out.append("\\00")
        else:
            out.append(ch)
    return "".join(out)


def ldif_line(name, value, force64=False):
    """One attribute line of RFC 2849 text, folded at 76 characters."""
    raw = value if isinstance(value, bytes) else value.encode("utf-8")
    safe = not force64 and all(0 < b < 128 and b not in (10, 13) for b in raw)
    if raw and (raw[0:1] in (b" ", b":", b"<") or raw[-1:] == b" "):
        safe = False
    line = "%s: %s" % (name, raw.decode("ascii")) if safe else \
        "%s:: %s" % (name, base64.b64encode(raw).decode("ascii"))
    if len(line) <= 76:
        return line + "\n"
    parts = [line[:76]]
    rest = line[76:]
    while rest:
        parts.append(" " + rest[:75])
        rest = rest[75:]
    return "\n".join(parts) + "\n"


def ssha(password, salt):
    digest = hashlib.sha1(password.encode() + salt).digest()
    return "{SSHA}" + base64.b64encode(digest + salt).decode()


def strip_accents(text):
    text = text.replace("œ", "oe").replace("Œ", "Oe").replace("ı", "i").replace("æ", "ae")
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def slug(text, sep="-"):
    out = []
    for ch in strip_accents(text).lower():
        if ch.isascii() and ch.isalnum():
            out.append(ch)
        elif out and out[-1] != sep:
            out.append(sep)
    return "".join(out).strip(sep)


def gtime(moment):
    return moment.strftime("%Y%m%d%H%M%SZ")


# --------------------------------------------------------------------------
# A small baseline JPEG writer: every 8x8 block is one flat colour, so only DC
# coefficients are coded.  Enough for identicon portraits, and exact by seed.
# --------------------------------------------------------------------------
DC_COUNTS = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]


def jpeg_blocks(blocks_w, blocks_h, colour, comment=b""):
    """colour(x, y) -> (r, g, b).  Returns the bytes of a JPEG file."""
    codes, code, sym = {}, 0, 0
    for length, count in enumerate(DC_COUNTS, 1):
        for _ in range(count):
            codes[sym] = (code, length)
            code, sym = code + 1, sym + 1
        code <<= 1
    bits, nbits, body, pred = 0, 0, bytearray(), [0, 0, 0]

    def put(value, size):
        nonlocal bits, nbits
        bits, nbits = (bits << size) | value, nbits + size
        while nbits >= 8:
            byte = (bits >> (nbits - 8)) & 255
            body.append(byte)
            if byte == 255:
                body.append(0)
            nbits -= 8
            bits &= (1 << nbits) - 1

    for y in range(blocks_h):
        for x in range(blocks_w):
            r, g, b = colour(x, y)
            ycc = (0.299 * r + 0.587 * g + 0.114 * b - 128,
                   -0.168736 * r - 0.331264 * g + 0.5 * b,
                   0.5 * r - 0.418688 * g - 0.081312 * b)
            for i, level in enumerate(ycc):
                dc = max(-128, min(127, round(level)))
                diff, pred[i] = dc - pred[i], dc
                size = abs(diff).bit_length()
                put(*codes[size])
                if size:
                    put(diff if diff > 0 else diff + (1 << size) - 1, size)
                put(0, 1)                                   # end of block
    if nbits:
        put((1 << (8 - nbits)) - 1, 8 - nbits)

    def segment(marker, data):
        return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data

    w, h = blocks_w * 8, blocks_h * 8
    return b"".join([
        b"\xff\xd8",
        segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"),
        segment(0xFE, comment) if comment else b"",
        segment(0xDB, b"\0" + bytes([8] + [1] * 63)),
        segment(0xC0, struct.pack(">BHHB", 8, h, w, 3) + b"\1\x11\0\2\x11\0\3\x11\0"),
        segment(0xC4, b"\0" + bytes(DC_COUNTS) + bytes(range(12))),
        segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\0"),
        segment(0xDA, b"\3\1\0\2\0\3\0\0\x3f\0"),
        bytes(body), b"\xff\xd9"])


def portrait(rng, blocks=8):
    base = [rng.randrange(40, 200) for _ in range(3)]
    light = [min(255, c + 90) for c in base]
    half = [[rng.random() < 0.55 for _ in range((blocks + 1) // 2)] for _ in range(blocks)]

    def colour(x, y):
        x = min(x, blocks - 1 - x)
        return base if half[y][x] else light
    return jpeg_blocks(blocks, blocks, colour)


def noise_photo(rng, size):
    """A valid JPEG of at least `size` bytes."""
    side = 40
    while True:
        cells = [[rng.randrange(256) for _ in range(3)] for _ in range(side * side)]
        data = jpeg_blocks(side, side, lambda x, y: cells[y * side + x])
        if len(data) >= size:
            return data
        side += 8


# --------------------------------------------------------------------------
# The directory model
# --------------------------------------------------------------------------
class Entry:
    __slots__ = ("attrs", "created", "csn", "kind", "modified", "parent", "rdn", "uuid")

    def __init__(self, rdn, parent, attrs, uid, created, kind=""):
        self.rdn, self.parent, self.attrs, self.uuid = rdn, parent, attrs, uid
        self.created = self.modified = created
        self.csn, self.kind = None, kind

    @property
    def dn(self):
        return self.rdn + "," + self.parent if self.parent else self.rdn


class Directory:
    """Entries in load order, changed only through methods that also log change LDIF."""

    def __init__(self, base, opts, rng):
        self.base, self.opts, self.rng = base, opts, rng
        self.entries = []
        self.by_dn = {}
        self.clock = datetime.datetime(2026, 9, 1, 6, 0, 0)
        self.changes = []           # (id, text, note)
        self.logging = False

    def new_uuid(self):
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def tick(self, seconds=1):
        self.clock += datetime.timedelta(seconds=seconds)
        return self.clock

    def key(self, dn):
        return unicodedata.normalize("NFC", dn).casefold()

    def add(self, rdn, parent, attrs, kind="", log=None):
        entry = Entry(rdn, parent, attrs, self.new_uuid(), self.tick(), kind)
        if self.key(entry.dn) in self.by_dn:
            raise ValueError("duplicate DN " + entry.dn)
        self.entries.append(entry)
        self.by_dn[self.key(entry.dn)] = entry
        if self.logging:
            text = ldif_line("dn", entry.dn) + "changetype: add\n"
            for name, values in self.lines(entry):
                text += ldif_line(name, values)
            self.changes.append((log, text, entry.dn))
        return entry

    def lines(self, entry):
        for name, values in entry.attrs.items():
            for value in values if isinstance(values, list) else [values]:
                yield name, value

    # -- changes ----------------------------------------------------------
    def modify(self, entry, log, **ops):
        """ops: attribute=('replace'|'add'|'delete', [values])"""
        text = ldif_line("dn", entry.dn) + "changetype: modify\n"
        for name, (op, values) in ops.items():
            name = name.replace("_", ";")
            text += "%s: %s\n" % (op, name)
            for value in values:
                text += ldif_line(name, value)
            text += "-\n"
            held = entry.attrs.get(name, [])
            held = list(held) if isinstance(held, list) else [held]
            if op == "replace":
                held = list(values)
            elif op == "add":
                held += list(values)
            elif values:
                held = [v for v in held if v not in values]
            else:
                held = []
            if held:
                entry.attrs[name] = held
            else:
                entry.attrs.pop(name, None)
        entry.modified = self.tick()
        self.changes.append((log, text, entry.dn))

    def rename(self, entry, log, rdn=None, parent=None):
        old = entry.dn
        rdn = rdn or entry.rdn
        text = ldif_line("dn", old) + "changetype: modrdn\n" + ldif_line("newrdn", rdn) + "deleteoldrdn: 1\n"
        if parent:
            text += ldif_line("newsuperior", parent)
        if rdn != entry.rdn:
            name, old_value = entry.rdn.split("=", 1)
            new_value = rdn.split("=", 1)[1]
            values = entry.attrs[name]
            values = values if isinstance(values, list) else [values]
            entry.attrs[name] = [new_value if dn_escape(v) == old_value else v for v in values]
        del self.by_dn[self.key(old)]
        entry.rdn, entry.parent = rdn, parent or entry.parent
        self.by_dn[self.key(entry.dn)] = entry
        entry.modified = self.tick()
        self.refint(old, entry.dn)
        self.changes.append((log, text, old + "  ->  " + entry.dn))

    def delete(self, entry, log):
        text = ldif_line("dn", entry.dn) + "changetype: delete\n"
        self.entries.remove(entry)
        del self.by_dn[self.key(entry.dn)]
        self.tick()
        self.refint(entry.dn, None)
        self.changes.append((log, text, entry.dn))

    def refint(self, old, new):
        """What the refint overlay does to member/owner/manager values."""
        if not self.opts.refint:
            return
        for other in self.entries:
            for name in ("member", "owner", "manager"):
                values = other.attrs.get(name)
                if values is None:
                    continue
                values = values if isinstance(values, list) else [values]
                if any(self.key(v) == self.key(old) for v in values):
                    values = [v for v in values if self.key(v) != self.key(old)]
                    if new:
                        values.append(new)
                    other.attrs[name] = values or [self.nobody]     # olcRefintNothing

    @property
    def nobody(self):
        return "cn=personne,ou=services," + self.base

    # -- output -----------------------------------------------------------
    def write(self, stream, operational):
        # no 'version: 1' line: slapadd 2.5 takes it for an entry without a DN
        suffix = "cn=admin," + self.base
        for number, entry in enumerate(self.entries):
            text = ["\n" if number else "", ldif_line("dn", entry.dn)]
            for name, value in self.lines(entry):
                text.append(ldif_line(name, value))
            if operational:
                stamp = gtime(entry.modified)
                text.append("entryUUID: %s\n" % entry.uuid)
                text.append("creatorsName: %s\nmodifiersName: %s\n" % (suffix, suffix))
                text.append("createTimestamp: %s\nmodifyTimestamp: %s\n" % (gtime(entry.created), stamp))
                text.append("entryCSN: %s.%06dZ#000000#000#000000\n" % (stamp[:-1], number % 1000000))
            stream.write("".join(text))


# --------------------------------------------------------------------------
# Building the base snapshot
# --------------------------------------------------------------------------
class Builder:
    def __init__(self, opts):
        self.opts = opts
        self.rng = random.Random("alizarine/%d/%d" % (opts.seed, VERSION))
        labels = opts.domain.split(".")
        self.base = ",".join("dc=" + part for part in labels)
        self.d = Directory(self.base, opts, self.rng)
        self.uids, self.mails = set(), set()
        self.people, self.staff, self.former, self.groups = [], [], [], []
        self.number = 0
        self.org_name = "Coopérative Alizarine"
        self.manifest = {}

    # -- scaffolding ------------------------------------------------------
    def tree(self):
        d, base = self.d, self.base
        first = self.opts.domain.split(".")[0]
        rdn, parent = base.split(",", 1)
        d.add(rdn, parent, {"objectClass": ["top", "dcObject", "organization"], "dc": first,
                            "o": self.org_name, "l": "Montpellier",
                            "description": "Coopérative d’activité et d’emploi (fictive)"}, "root")
        for name in ("personnes", "groupes", "services"):
            d.add("ou=" + name, base, {"objectClass": "organizationalUnit", "ou": name}, "ou")
        for name in ("membres", "equipe", "anciens"):
            d.add("ou=" + name, "ou=personnes," + base, {"objectClass": "organizationalUnit", "ou": name}, "ou")
        for name in ("poles", "autogeres", "territoires", "equipes", "instances"):
            d.add("ou=" + name, "ou=groupes," + base, {"objectClass": "organizationalUnit", "ou": name}, "ou")
        for name, password, text in SERVICE_ACCOUNTS:
            d.add("cn=" + name, "ou=services," + base,
                  {"objectClass": ["applicationProcess", "simpleSecurityObject"], "cn": name,
                   "description": text, "userPassword": ssha(password, self.salt())}, "service")
        d.add("cn=personne", "ou=services," + base,
              {"objectClass": "applicationProcess", "cn": "personne",
               "description": "placeholder member of empty groups"}, "service")

    def salt(self):
        return bytes(self.rng.randrange(256) for _ in range(8))

    # -- people -----------------------------------------------------------
    def surname(self):
        rng = self.rng
        roll = rng.random()
        if roll < 0.05:
            part = rng.choice(PARTICLES)
            return part + rng.choice(PARTICLE_NAMES[part])
        if roll < 0.16:
            a, b = rng.sample(SURNAMES, 2)
            return a + "-" + b
        if roll < 0.18:
            a, b = rng.sample(SURNAMES, 2)
            return a + " " + b
        return rng.choice(SURNAMES)

    def unique_uid(self, given, sn):
        stem = "%s.%s" % (slug(given), slug(sn))
        uid, n = stem, 2
        while uid in self.uids:
            uid, n = "%s%d" % (stem, n), n + 1
        self.uids.add(uid)
        return uid

    def phone(self, mobile):
        """ARCEP ranges kept for fiction: 04 65 71 xx xx and 06 39 98 xx xx."""
        rng = self.rng
        tail = "%02d %02d" % (rng.randrange(100), rng.randrange(100))
        national = ("06 39 98 " if mobile else "04 65 71 ") + tail
        style = rng.random()
        if style < 0.6:
            return "+33 " + national[1:]
        if style < 0.85:
            return national
        if style < 0.95:
            return national.replace(" ", ".")
        return national.replace(" ", "")

    def person(self, ou, employee_type, given=None, sn=None, feminine=None, trade=None, group=None,
               uid=None, password=None, scheme=None):
        rng, opts = self.rng, self.opts
        if feminine is None:
            feminine = rng.random() < 0.56
        given = given or rng.choice(FEMININE if feminine else MASCULINE)
        sn = sn or self.surname()
        if uid:
            self.uids.add(uid)
        else:
            uid = self.unique_uid(given, sn)
        if trade is None:
            group = rng.choice(list(POLES))
            pair = rng.choice(POLES[group][1])
            trade = pair[0] if feminine else pair[1]
        town = rng.choices(TOWNS, TOWN_WEIGHTS)[0]
        self.number += 1
        year = rng.randrange(2006, 2026)
        activity = "%s %s" % (rng.choice(ACTIVITY_A), rng.choice(ACTIVITY_B))
        mail = "%s@%s" % (uid, opts.domain)
        street = "%d%s %s" % (rng.randrange(1, 190), rng.choice(["", "", "", " bis", " ter"]),
                              rng.choice(STREETS))
        lat, lon = town[3] + rng.uniform(-.012, .012), town[4] + rng.uniform(-.015, .015)
        attrs = {
            "objectClass": ["top", "person", "organizationalPerson", "inetOrgPerson"],
            "uid": uid, "cn": "%s %s" % (given, sn), "sn": sn, "givenName": given,
            "displayName": "%s %s" % (given, sn), "mail": mail,
            "employeeNumber": "%05d" % self.number, "employeeType": employee_type, "title": trade,
            "l": town[0], "postalCode": town[1], "st": town[2],
        }
        if employee_type == "structure":
            attrs["o"] = self.org_name
            attrs["ou"] = TEAMS.get(group, group)
        else:
            attrs["o"] = activity
            attrs["businessCategory"] = POLES[group][0] if group in POLES else group
        if rng.random() < 0.8:
            attrs["postalAddress"] = "%s$%s %s$France" % (street, town[1], town[0])
        if rng.random() < 0.55:
            attrs["telephoneNumber"] = self.phone(False)
        if rng.random() < 0.85:
            attrs["mobile"] = self.phone(True)
        if rng.random() < 0.7:
            attrs["description"] = "%s. %s" % (trade, rng.choice(INTROS).format(year=year))
        if employee_type != "structure" and rng.random() < 0.45:
            attrs["labeledURI"] = "https://%s.example/ Site de l’activité" % slug(activity)
        if rng.random() < 0.9:
            attrs["preferredLanguage"] = rng.choice(LANGS)
        geo = rng.random() < 0.85
        if geo and opts.geo == "schema":
            attrs["objectClass"] = attrs["objectClass"] + ["caePerson"]
            attrs["caeLatitude"], attrs["caeLongitude"] = "%.5f" % lat, "%.5f" % lon
            attrs["caeEntryDate"] = "%d%02d%02d000000Z" % (year, rng.randrange(1, 13), rng.randrange(1, 29))
        elif geo and opts.geo == "uri":
            attrs.setdefault("labeledURI", [])
            held = attrs["labeledURI"]
            attrs["labeledURI"] = (held if isinstance(held, list) else [held]) + \
                ["geo:%.5f,%.5f" % (lat, lon)]
        share = {"none": 0.0, "some": 0.35, "all": 1.0}[opts.photos]
        draw = rng.getrandbits(64)
        if share > (draw % 1000) / 1000:
            attrs["jpegPhoto"] = noise_photo(random.Random(draw), opts.photo_kb * 1024) if opts.photo_kb \
                else portrait(random.Random(draw))
        if password:
            attrs["userPassword"] = ARGON2[password] if scheme == "ARGON2" else ssha(password, self.salt())
        elif opts.all_passwords:
            attrs["userPassword"] = ssha(opts.all_passwords, self.salt())
        else:
            attrs["userPassword"] = ssha(base64.b64encode(self.salt() + self.salt()).decode(), self.salt())
        entry = self.d.add("uid=" + dn_escape(uid), "ou=%s,ou=personnes,%s" % (ou, self.base), attrs, "person")
        entry.kind = ("person", group, town[5])
        return entry

    def lock(self, entry):
        if self.opts.ppolicy:
            entry.attrs["pwdAccountLockedTime"] = LOCKED_FOREVER

    def everyone(self):
        rng, n = self.rng, self.opts.members
        staff_n = max(5, round(n * 0.035))
        former_n = max(2, round(n * 0.06))
        locked_n = max(1, round(n * 0.01))
        demo = []
        for uid, given, sn, fem, etype, trade, group, password, scheme, state, note in DEMO:
            ou = {"former": "anciens"}.get(state, "equipe" if etype == "structure" else "membres")
            entry = self.person(ou, etype, given, sn, fem, trade, group, uid, password, scheme)
            if state == "locked":
                self.lock(entry)
            if state == "former":
                self.former.append(entry)
                self.lock(entry)
            elif etype == "structure":
                self.staff.append(entry)
            else:
                self.people.append(entry)
            demo.append({"uid": uid, "password": password, "scheme": scheme, "state": state,
                         "mail": entry.attrs["mail"], "dn": entry.dn, "note": note})
        self.manifest["demo_people"] = demo
        while len(self.staff) < staff_n:
            fem = rng.random() < 0.6
            row = STAFF_TRADES[len(self.staff) % len(STAFF_TRADES)]
            self.staff.append(self.person("equipe", "structure", None, None, fem,
                                          row[0] if fem else row[1], row[2]))
        while len(self.staff) + len(self.people) + len(self.former) < n - former_n + 1:
            etype = "associé" if rng.random() < 0.24 else "entrepreneur salarié"
            self.people.append(self.person("membres", etype))
        while len(self.staff) + len(self.people) + len(self.former) < n:
            entry = self.person("anciens", "entrepreneur salarié")
            self.former.append(entry)
            if rng.random() < 0.5:
                self.lock(entry)
        pool = [e for e in self.people[4:] if "pwdAccountLockedTime" not in e.attrs]
        for entry in rng.sample(pool, min(locked_n, len(pool))):
            self.lock(entry)
        coaches = [e for e in self.staff if e.kind[1] == "accompagnement"]
        for entry in self.people:
            entry.attrs["manager"] = rng.choice(coaches).dn

    # -- groups -----------------------------------------------------------
    def group(self, kind, ou, label, members, owner, description=None):
        members = list(dict.fromkeys(m.dn for m in members)) or [self.d.nobody]
        attrs = {"objectClass": ["top", "groupOfNames"], "cn": label, "businessCategory": kind,
                 "member": members}
        if owner is not None:
            attrs["owner"] = owner.dn
        if description:
            attrs["description"] = description
        entry = self.d.add("cn=" + dn_escape(label), "ou=%s,ou=groupes,%s" % (ou, self.base), attrs, "group")
        self.groups.append(entry)
        return entry

    def all_groups(self):
        rng = self.rng
        active = [e for e in self.people if "pwdAccountLockedTime" not in e.attrs]
        by_uid = {e.attrs["uid"]: e for e in self.people + self.staff}
        for key, (label, _) in POLES.items():
            members = [e for e in self.people if e.kind[1] == key]
            members += [e for e in active if e.kind[1] != key and rng.random() < 0.02]
            owner = by_uid["benoit.de-la-tour"] if key == "numerique" else \
                (rng.choice(members) if members else None)
            self.group("pôle", "poles", "Pôle " + label, members, owner,
                       "Les métiers du pôle %s se retrouvent chaque mois." % label)
        for key, label in TERRITORIES.items():
            members = [e for e in self.people if e.kind[2] == key]
            self.group("territorial", "territoires", label, members,
                       rng.choice(members) if members else None, "Membres du territoire %s." % label)
        for label in SELF_RUN:
            members = rng.sample(active, min(len(active), rng.randrange(3, 19)))
            self.group("auto-géré", "autogeres", label, members, rng.choice(members))
        for key, label in TEAMS.items():
            members = [e for e in self.staff if e.kind[1] == key]
            owner = by_uid["lea.martinez-roux"] if key == "informatique" else (members[0] if members else None)
            self.group("structure", "equipes", label, members, owner, "Équipe permanente : %s." % label)
        self.group("structure", "equipes", "Équipe permanente", self.staff, self.staff[0],
                   "Toute l’équipe de la structure.")
        associates = [e for e in active if e.attrs["employeeType"] == "associé"]
        for label, size in BOARDS:
            members = rng.sample(associates, min(len(associates), size))
            chair = by_uid["mireille.vidal"]
            if label == "Conseil coopératif" and chair not in members:
                members[0] = chair
            owner = chair if label == "Conseil coopératif" else members[0]
            self.group("conseil", "instances", label, members, owner)
        self.group("conseil", "instances", "Assemblée des associés", associates, by_uid["mireille.vidal"],
                   "Toutes les associées et tous les associés.")

    # -- the ordinary changes of a few weeks --------------------------------
    def life_goes_on(self):
        d, rng = self.d, random.Random("later/%d" % self.opts.seed)
        d.rng = rng
        self.rng = rng
        d.logging = True
        d.clock = datetime.datetime(2026, 10, 5, 8, 0, 0)
        demo = {row[0] for row in DEMO}
        quirky = {row["dn"] for row in self.manifest.get("quirks", []) if "dn" in row}
        quirky |= {e.dn for e in self.people[8:14]}         # members of the quirk groups stay as they are
        plain = [e for e in self.people if e.attrs["uid"] not in demo and e.dn not in quirky
                 and "pwdAccountLockedTime" not in e.attrs]
        rng.shuffle(plain)
        n = self.opts.members
        log = []

        def note(change, entry, before, text):
            log.append({"id": change, "entryUUID": entry.uuid, "before": before,
                        "after": entry.dn if entry in d.entries else None, "note": text})

        by = {g.attrs["cn"]: g for g in self.groups if isinstance(g.attrs["cn"], str)}
        # First, so that no pending reference update of the server meets a group that is being renamed.
        g = by["Jardin partagé"]
        before = g.dn
        d.rename(g, "group-rename", rdn="cn=Jardin partagé de Celleneuve")
        note("group-rename", g, before, "renamed: same entryUUID, same group, memberships kept")
        for _ in range(max(3, n // 100)):                      # phone and address
            e = plain.pop()
            d.modify(e, "edit", mobile=("replace", [self.phone(True)]))
            note("edit", e, e.dn, "mobile replaced")
        for _ in range(max(2, n // 150)):                      # moves house
            e = plain.pop()
            town = rng.choice(TOWNS)
            d.modify(e, "move-house", l=("replace", [town[0]]), postalCode=("replace", [town[1]]),
                     st=("replace", [town[2]]))
            note("move-house", e, e.dn, "l, postalCode, st replaced")
        for _ in range(max(1, n // 300)):                      # marriage: new name, new uid, new mail
            e = plain.pop()
            before, sn = e.dn, e.attrs["sn"] + "-" + rng.choice(SURNAMES)
            uid = self.unique_uid(e.attrs["givenName"], sn)
            d.rename(e, "rename", rdn="uid=" + dn_escape(uid))
            full = "%s %s" % (e.attrs["givenName"], sn)
            d.modify(e, "rename", sn=("replace", [sn]), cn=("replace", [full]),
                     displayName=("replace", [full]), mail=("replace", ["%s@%s" % (uid, self.opts.domain)]))
            note("rename", e, before, "same entryUUID, new uid, name and mail: same local account")
        for _ in range(max(1, n // 120)):                      # leavers are moved
            e = plain.pop()
            before = e.dn
            d.rename(e, "leave", parent="ou=anciens,ou=personnes," + self.base)
            note("leave", e, before, "moved to ou=anciens: account disabled, sessions and tokens ended, nothing erased")
        e = plain.pop()                                        # a member joins the staff
        before = e.dn
        d.rename(e, "to-staff", parent="ou=equipe,ou=personnes," + self.base)
        d.modify(e, "to-staff", employeeType=("replace", ["structure"]), ou=("add", ["Vie coopérative"]))
        note("to-staff", e, before, "moved to ou=equipe, employeeType changed: same account")
        e = rng.choice([x for x in self.former if x.attrs["uid"] not in demo])   # and one comes back
        before = e.dn
        d.rename(e, "return", parent="ou=membres,ou=personnes," + self.base)
        if "pwdAccountLockedTime" in e.attrs:
            d.modify(e, "return", pwdAccountLockedTime=("delete", []))
        note("return", e, before, "back from ou=anciens: the same account is enabled again")
        for _ in range(max(1, n // 400)):                      # hard deletes
            e = plain.pop()
            before = e.dn
            d.delete(e, "delete")
            note("delete", e, before, "entry deleted: account disabled, then erased after the retention delay")
        e = plain.pop()                                        # deleted, and the uid given to somebody else
        before, uid = e.dn, e.attrs["uid"]
        d.delete(e, "reused-uid")
        note("reused-uid", e, before, "old holder of a reused uid: disabled")
        new = self.person("membres", "entrepreneur salarié", uid=uid)
        note("reused-uid", new, None, "same DN, uid and mail as a deleted entry, NEW entryUUID: a new account; "
             "it must not inherit the old one's roles, consents, tokens or sessions")
        for _ in range(max(2, n // 100)):                      # joiners
            new = self.person("membres", "entrepreneur salarié")
            note("join", new, None, "new member")
        target = next(x for x in self.people if x.attrs["uid"] == "noemie.ferrand")
        d.modify(target, "password", userPassword=("replace", [ssha("alizarine-garrigue-2", b"latersal")]))
        note("password", target, target.dn, "password is now alizarine-garrigue-2; the old one must fail at once")
        a, b = plain.pop(), plain.pop()                        # one gives a mail up, another takes it
        taken = a.attrs["mail"]
        d.modify(a, "mail-handover", mail=("replace", ["nouvelle.adresse@%s" % self.opts.domain]))
        d.modify(b, "mail-handover", mail=("replace", [taken if isinstance(taken, str) else taken[0]]))
        note("mail-handover", a, a.dn, "gave its mail up")
        note("mail-handover", b, b.dn, "took the mail of another member in the same interval")
        e = plain.pop()                                        # locked in place
        if self.opts.ppolicy:
            d.modify(e, "lock", pwdAccountLockedTime=("add", [LOCKED_FOREVER]))
            note("lock", e, e.dn, "locked in place: sign-in fails, sessions and tokens ended")
        e = plain.pop()                                        # attribute removed
        if "description" in e.attrs:
            d.modify(e, "cleared", description=("delete", []))
            note("cleared", e, e.dn, "description removed: the local value must be cleared")
        # groups
        g = by["Pôle Numérique"]
        have = set(g.attrs["member"])
        joiner = next(x for x in plain if x.dn not in have)
        d.modify(g, "group-join", member=("add", [joiner.dn]))
        note("group-join", g, g.dn, "one member more: " + joiner.dn)
        g = by["Café des solutions"]
        if len(g.attrs["member"]) < 2:
            d.modify(g, "group-join", member=("add", [plain.pop().dn]))
        gone = next(m for m in g.attrs["member"] if m != d.nobody)
        d.modify(g, "group-leave", member=("delete", [gone]))
        note("group-leave", g, g.dn, "one member less: " + gone)
        g = by["Covoiturage"]
        before = g.dn
        d.delete(g, "group-delete")
        note("group-delete", g, before, "deleted: memberships end, people untouched")
        g = by["Commission admissions"]
        chair = rng.choice([m for m in g.attrs["member"] if m != g.attrs["owner"] and m != d.nobody])
        d.modify(g, "group-owner", owner=("replace", [chair]))
        note("group-owner", g, g.dn, "new leader " + chair)
        new = self.group("auto-géré", "autogeres", "Repair café", [plain.pop(), plain.pop()], None)
        note("group-new", new, None, "new group without a leader")
        if self.opts.quirks:
            self.quirks_later(note)
        self.manifest["changes"] = log
        d.logging = False

    # -- nasty cases ------------------------------------------------------
    def quirks(self):
        d, base, dom = self.d, self.base, self.opts.domain
        self.rng = d.rng = random.Random("quirks/%d" % self.opts.seed)
        out = []
        members = "ou=membres,ou=personnes," + base
        ids = {}

        def person(case, uid, given, sn, expect, parent=members, rdn=None, **more):
            attrs = {"objectClass": ["top", "person", "organizationalPerson", "inetOrgPerson"],
                     "uid": uid, "cn": "%s %s" % (given, sn), "sn": sn, "givenName": given,
                     "displayName": "%s %s" % (given, sn),
                     "mail": "%s@%s" % (slug(uid if isinstance(uid, str) else uid[0], "."), dom),
                     "employeeNumber": "9%04d" % (len(out) + 1), "employeeType": "entrepreneur salarié",
                     "title": "Traducteur", "userPassword": ssha("alizarine-quirk", b"quirksal")}
            attrs.update(more)
            attrs = {k: v for k, v in attrs.items() if v is not None}
            first = uid if isinstance(uid, str) else uid[0]
            entry = d.add(rdn or "uid=" + dn_escape(first), parent, attrs, ("person", "langues", "montpellier"))
            out.append({"id": case, "dn": entry.dn, "entryUUID": entry.uuid, "expect": expect})
            ids[case] = entry
            return entry

        def group(case, label, members_, expect, kind="auto-géré", **more):
            attrs = {"objectClass": ["top", "groupOfNames"], "cn": label, "businessCategory": kind,
                     "member": members_}
            attrs.update(more)
            first = label if isinstance(label, str) else label[0]
            entry = d.add("cn=" + dn_escape(first), "ou=autogeres,ou=groupes," + base, attrs, "group")
            out.append({"id": case, "dn": entry.dn, "entryUUID": entry.uuid, "expect": expect})
            ids[case] = entry
            return entry

        person("no-mail", "sans.courriel", "Aimée", "Sanscourriel",
               "kept and listed; can sign in by uid; no mail claim; reported", mail=None)
        person("shared-mail-1", "colette.partage", "Colette", "Partage",
               "two entries hold one address: neither can sign in by mail, both can by uid, email_verified "
               "is false for both, reported as a conflict", mail="accueil.partage@" + dom)
        person("shared-mail-2", "marcel.partage", "Marcel", "Partage", "see shared-mail-1",
               mail="Accueil.Partage@" + dom.upper())
        person("uid-uppercase", "JP.Dupont", "Jean-Pierre", "Dupont",
               "sign-in as jp.dupont and JP.DUPONT reaches this account; shown as written")
        person("uid-space", "marie claude", "Marie-Claude", "Espace",
               "kept; uid holds a space: usable for sign-in, but the hub's own handle is a clean slug")
        person("multi-mail", "double.courriel", "Dora", "Double",
               "every value is kept; LDAP gives no order, so the main one is chosen by a rule (the one in the "
               "organisation's domain, else the alphabetically first), and stays the same between runs",
               mail=["dora@ancien-domaine.example", "dora.double@" + dom, "contact@dora.example"])
        person("multi-cn", "jo.multi", "Joséphine", "Multi",
               "displayName wins; the order of cn values is not relied on",
               cn=["Joséphine Multi", "Jo Multi", "Josephine Multi"])
        person("no-display-name", "sans.affichage", "Odile", "Sansaffichage",
               "the name shown is givenName + sn, else cn", displayName=None)
        person("trailing-space", "espace.finale", "Fanny", "Finale",
               "values are trimmed, inner runs of spaces and no-break spaces made one",
               title="Graphiste  ", displayName="  Fanny   Finale\u00a0 ", description="  texte entouré  ")
        person("nfd-name", "helene.nfd", unicodedata.normalize("NFD", "Hélène"),
               unicodedata.normalize("NFD", "Brémond-Gély"),
               "stored in NFC; found by a search for Hélène typed either way; equal to nfc-name's spelling")
        person("nfc-name", "helene.nfc", "Hélène", "Brémond-Gély",
               "a second person with the same name in NFC: two people, not merged")
        person("base64-value", "base.soixantequatre", "Basile", "Soixantequatre",
               "values that LDIF must code in base64 read the same as others",
               title=":deux-points en tête", description="<inférieur en tête", o="finit par une espace ")
        long_name = "Marie-" + "Philomène-" * 29
        long_name = (long_name[:-1])[:300]
        person("name-300", "nom.tres.long", long_name, "Long",
               "accepted; shown with ellipsis; no column overflow, no truncated row lost",
               cn=long_name + " Long", displayName=long_name + " Long")
        person("photo-40k", "photo.lourde", "Philippe", "Lourd",
               "photo taken if the limit allows, scaled down; the sync goes on either way",
               jpegPhoto=noise_photo(random.Random(40), 40000))
        person("photo-not-jpeg", "photo.fausse", "Fausta", "Photo",
               "a PNG header in jpegPhoto: refused or converted, never served as it came; rest of the entry is kept",
               jpegPhoto=b"\x89PNG\r\n\x1a\n" + bytes(range(200)))
        person("dn-comma", "virgule", "Jean", "Virgule, dit Point",
               "DN with an escaped comma is compared as a DN, not as a string",
               rdn="cn=" + dn_escape("Virgule, Jean"), cn="Virgule, Jean")
        person("dn-plus", "plus", "Pilar", "Plus",
               "DN with an escaped plus is one RDN, not a multi-valued one",
               rdn="cn=" + dn_escape("Plus + Moins"), cn="Plus + Moins")
        person("dn-unicode", "dn.unicode", "Zoé", "Œuvrard",
               "DN with non-ASCII characters", rdn="cn=" + dn_escape("Zoé Œuvrard « Zozo »"),
               cn="Zoé Œuvrard « Zozo »")
        person("dn-quote-hash", "diese", "Dièse", "Diese",
               "DN with quote, hash, backslash, semicolon", rdn="cn=" + dn_escape('#1 "Dièse"; fin\\'),
               cn='#1 "Dièse"; fin\\')
        person("apostrophes", "aurelie.oneill", "Aurélie", "O'Neill d’Haussonville",
               "straight and curly apostrophes both searchable")
        person("moved-later", "bouge.plustard", "Brune", "Bouge",
               "moved to another OU in the later snapshot: same account")
        person("reuuid-later", "revient.autre", "Rosa", "Revient",
               "deleted and re-created with the same DN but another entryUUID in the later snapshot: a new account")
        person("case-mail-change", "casse.courriel", "Cassandre", "Casse",
               "later its mail changes only in case: no conflict with itself, no new verification",
               mail="Casse.Courriel@" + dom)
        person("cleared-later", "efface.tout", "Edgar", "Efface",
               "later loses title, mobile, photo and description: local values are cleared",
               mobile="+33 6 39 98 00 01", description="à effacer", jpegPhoto=portrait(random.Random(7)))
        person("swap-1", "echange.un", "Ella", "Échange", "later swaps mails with swap-2 in one interval")
        person("swap-2", "echange.deux", "Elio", "Échange", "see swap-1")
        person("extra-class", "classe.en.plus", "Claude", "Classe",
               "unknown attributes and classes are ignored", objectClass=[
                   "top", "person", "organizationalPerson", "inetOrgPerson", "uidObject", "labeledURIObject"],
               labeledURI="https://classe.example/", roomNumber="B-12", carLicense="AA-000-AA")
        person("minimal", "minimal", "-", "Minimal",
               "only sn and cn beside uid: kept; every other field empty",
               givenName=None, displayName=None, mail=None, employeeNumber=None, employeeType=None,
               title=None, userPassword=None)
        ghost = "uid=fantome,ou=membres,ou=personnes," + base
        some = [self.people[i].dn for i in range(8, 14)]
        group("ghost-member", "Groupe au fantôme", some[:2] + [ghost],
              "member that does not exist is skipped and reported; it starts to count if the entry appears later")
        group("only-ghost", "Groupe vide de fait", [ghost], "group kept, with no member")
        group("placeholder-member", "Groupe avec bouche-trou", [d.nobody],
              "the placeholder is not a person: group kept, with no member")
        group("empty-description", "Groupe sans texte", some[:1], "no description attribute: empty, not 'None'")
        group("blank-description", "Groupe au texte blanc", some[:1], "blank description: empty", description=" ")
        nest = "cn=%s,ou=autogeres,ou=groupes," + base
        group("nested-outer", "Emboîté externe", [nest % "Emboîté moyen", some[2]],
              "members through nesting: some[2], some[3], some[4]; direct and inherited are told apart")
        group("nested-middle", "Emboîté moyen", [nest % "Emboîté interne", some[3]], "see nested-outer")
        group("nested-inner", "Emboîté interne", [some[4]], "see nested-outer")
        group("cycle-a", "Cycle A", [nest % "Cycle B", some[0]],
              "cycle A-B-C-A: computation ends, everyone in the cycle belongs to all three, reported")
        group("cycle-b", "Cycle B", [nest % "Cycle C", some[1]], "see cycle-a")
        group("cycle-c", "Cycle C", [nest % "Cycle A", some[2]], "see cycle-a")
        group("self-cycle", "Boucle sur soi", [nest % "Boucle sur soi", some[5]], "own member: ignored, reported")
        group("same-name-other-ou", "Comptabilité & paie", some[:1],
              "same cn as a group of kind structure in another OU: two groups")
        group("odd-dn-member", "Membres aux DN bizarres",
              [ids["dn-comma"].dn, ids["dn-plus"].dn, ids["dn-unicode"].dn, ids["dn-quote-hash"].dn],
              "four members, all resolved")
        person_dn = ids["uid-uppercase"].dn
        group("member-other-case", "Membre en autre casse", [
            person_dn.replace("uid=JP.Dupont", "UID=jp.dupont").replace("ou=membres", "OU=Membres")],
            "DN differs in case only: resolved to uid-uppercase")
        group("multi-cn-group", ["Deux noms", "Two Names"], some[:2],
              "two cn values: the RDN value is the name")
        group("unknown-kind", "Groupe d’un genre inconnu", some[:2],
              "kind not in the mapping: kept as 'other', reported", kind="club-secret")
        self.manifest["quirks"] = out
        self.ids = ids

    def quirks_later(self, note):
        d, ids = self.d, self.ids
        e = ids["moved-later"]
        before = e.dn
        d.rename(e, "quirk-moved", parent="ou=equipe,ou=personnes," + self.base)
        note("quirk-moved", e, before, "same account")
        e = ids["reuuid-later"]
        before, attrs = e.dn, copy.deepcopy(e.attrs)
        d.delete(e, "quirk-reuuid")
        note("quirk-reuuid", e, before, "old holder: disabled")
        new = d.add(before.split(",", 1)[0], before.split(",", 1)[1], attrs, e.kind, "quirk-reuuid")
        note("quirk-reuuid", new, None, "same attributes, new entryUUID: a new account")
        e = ids["case-mail-change"]
        d.modify(e, "quirk-case", mail=("replace", ["casse.courriel@" + self.opts.domain]))
        note("quirk-case", e, e.dn, "mail changed in case only")
        e = ids["cleared-later"]
        d.modify(e, "quirk-cleared", title=("delete", []), mobile=("delete", []), jpegPhoto=("delete", []),
                 description=("delete", []))
        note("quirk-cleared", e, e.dn, "title, mobile, jpegPhoto, description gone")
        a, b = ids["swap-1"], ids["swap-2"]
        ma, mb = a.attrs["mail"], b.attrs["mail"]
        d.modify(a, "quirk-swap", mail=("replace", ["temporaire@" + self.opts.domain]))
        d.modify(b, "quirk-swap", mail=("replace", [ma]))
        d.modify(a, "quirk-swap", mail=("replace", [mb]))
        note("quirk-swap", a, a.dn, "mails swapped with swap-2")
        note("quirk-swap", b, b.dn, "mails swapped with swap-1")
        e = ids["uid-uppercase"]
        before = e.dn
        d.rename(e, "quirk-uid-case", rdn="uid=jp.dupont-martin")
        note("quirk-uid-case", e, before, "renamed; group member-other-case must still hold it if the server keeps references")
        g = ids["cycle-c"]
        dn_a = ids["cycle-a"].dn
        d.modify(g, "quirk-cycle-cut", member=("delete", [dn_a]))
        note("quirk-cycle-cut", g, g.dn, "the cycle is cut: C no longer holds A's people")
        g = ids["nested-inner"]
        before = g.dn
        d.rename(g, "quirk-nested-rename", rdn="cn=Emboîté interne rebaptisé")
        note("quirk-nested-rename", g, before, "renamed; nested-middle follows if the server keeps references")

    # -- beginners -----------------------------------------------------------
    def beginners(self):
        """Candidates and people under a CAPE contract; no draw, so that everything else stays as it was."""
        newest = [e for e in self.people if e.attrs["employeeType"] == "entrepreneur salarié"][3:]
        for e in newest[::12]:
            e.attrs["employeeType"] = "CAPE"
        for e in newest[5::40]:
            e.attrs["employeeType"] = "candidat"

    # -- all ---------------------------------------------------------------
    def build(self):
        self.tree()
        self.everyone()
        if self.opts.groups:
            self.all_groups()
        self.beginners()
        if self.opts.quirks:
            self.quirks()
        self.manifest.update({
            "generator": {"version": VERSION, "members": self.opts.members, "seed": self.opts.seed,
                          "domain": self.opts.domain, "quirks": self.opts.quirks, "photos": self.opts.photos,
                          "geo": self.opts.geo, "ppolicy": self.opts.ppolicy, "refint": self.opts.refint},
            "base_dn": self.base,
            "service_accounts": [{"dn": "cn=%s,ou=services,%s" % (n, self.base), "password": p}
                                 for n, p, _ in SERVICE_ACCOUNTS]})


def census(d, base):
    people = [e for e in d.entries if "inetOrgPerson" in e.attrs["objectClass"]]
    groups = [e for e in d.entries if "groupOfNames" in e.attrs["objectClass"]]
    kinds = {}
    for g in groups:
        kinds[g.attrs["businessCategory"]] = kinds.get(g.attrs["businessCategory"], 0) + 1
    former = [e for e in people if ",ou=anciens," in e.dn]
    locked = [e for e in people if "pwdAccountLockedTime" in e.attrs and e not in former]
    return {"entries": len(d.entries), "people": len(people), "former": len(former),
            "locked_in_place": len(locked), "active": len(people) - len(former) - len(locked),
            "without_mail": sum("mail" not in e.attrs for e in people),
            "with_photo": sum("jpegPhoto" in e.attrs for e in people),
            "groups": len(groups), "groups_by_kind": kinds,
            "memberships": sum(len(g.attrs["member"]) if isinstance(g.attrs["member"], list) else 1
                               for g in groups)}


def main(argv: list[str] | None = None) -> int:
    p = argparse.ArgumentParser(description="write LDIF test data for a fictional cooperative")
    p.add_argument("--members", type=int, default=420, help="people in the first snapshot, staff and former included (default 420)")
    p.add_argument("--seed", type=int, default=2026)
    p.add_argument("--domain", default="alizarine.example")
    p.add_argument("--out", default="ldif", help="folder for the files (default ./ldif)")
    p.add_argument("--quirks", action="store_true", help="add the nasty cases")
    p.add_argument("--photos", choices=("none", "some", "all"), default="some")
    p.add_argument("--photo-kb", type=int, default=0, metavar="K",
                   help="photos of at least K kB of noise in place of 0.3 kB identicons (for load tests)")
    p.add_argument("--geo", choices=("schema", "uri", "none"), default="schema",
                   help="latitude/longitude: caePerson schema (default), geo: URI in labeledURI, or none")
    p.add_argument("--no-groups", dest="groups", action="store_false")
    p.add_argument("--no-later", dest="later", action="store_false", help="only the first snapshot")
    p.add_argument("--no-ppolicy", dest="ppolicy", action="store_false",
                   help="no pwdAccountLockedTime (for a server without the ppolicy overlay)")
    p.add_argument("--no-refint", dest="refint", action="store_false",
                   help="the later snapshot leaves dangling references, as a server without refint would")
    p.add_argument("--no-operational", dest="operational", action="store_false",
                   help="no entryUUID, timestamps, entryCSN (for ldapadd; slapadd takes them)")
    p.add_argument("--all-passwords", metavar="PW", help="give every non-demo person this password ({SSHA})")
    opts = p.parse_args(argv)
    if opts.members < 60 and opts.groups:
        p.error("--members must be at least 60 when groups are written")
    if not opts.groups and (opts.quirks or opts.later):
        opts.later = False
        if opts.quirks:
            p.error("--quirks needs groups")
    b = Builder(opts)
    b.build()
    os.makedirs(opts.out, exist_ok=True)
    name = opts.domain.split(".")[0]

    def path(suffix):
        return os.path.join(opts.out, name + suffix)

    def save(suffix, text):
        with open(path(suffix), "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)

    if opts.geo == "schema":
        save("-schema.ldif", SCHEMA)
    if opts.ppolicy:
        save("-ppolicy.ldif", PWD_POLICY.format(base=b.base))
    with open(path(".ldif"), "w", encoding="utf-8", newline="\n") as stream:
        b.d.write(stream, opts.operational)
    b.manifest["snapshot1"] = census(b.d, b.base)
    if opts.later:
        b.life_goes_on()
        with open(path("-later.ldif"), "w", encoding="utf-8", newline="\n") as stream:
            b.d.write(stream, opts.operational)
        text = ["version: 1\n"]
        for change, body, about in b.d.changes:
            text.append("\n# %s\n%s" % (change or "add", body))
        save("-changes.ldif", "".join(text))
        b.manifest["snapshot2"] = census(b.d, b.base)
    with open(path(".json"), "w", encoding="utf-8") as stream:
        json.dump(b.manifest, stream, ensure_ascii=False, indent=1, sort_keys=True)
        stream.write("\n")
    print(json.dumps({"out": opts.out, "snapshot1": b.manifest["snapshot1"],
                      "snapshot2": b.manifest.get("snapshot2")}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
