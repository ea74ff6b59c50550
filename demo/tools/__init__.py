"""Two small business tools that sign in against the hub, one standing for Louty, one for the training software.

Real relying parties built on mozilla-django-oidc, each in a process, on an origin and with a database of its own;
which of the two a process is, its environment says.  They know the hub by its protocol only: nothing is imported.
"""
