"""The register of processing (GDPR article 30): records with versions, fed by tools’ sheets, written by the officer."""
