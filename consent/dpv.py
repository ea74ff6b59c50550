"""Terms of the Data Privacy Vocabulary 2 (W3C, https://w3id.org/dpv) for what the hub knows.  No Django."""

from consent.types import LegalBasis, RecipientRole

CONTEXT = {
    "dpv": "https://w3id.org/dpv#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "pd": "https://w3id.org/dpv/pd#",
    "dcterms": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
BASES = {
    LegalBasis.CONSENT: "eu-gdpr:A6-1-a",
    LegalBasis.CONTRACT: "eu-gdpr:A6-1-b",
    LegalBasis.LEGAL_DUTY: "eu-gdpr:A6-1-c",
    LegalBasis.VITAL_INTEREST: "eu-gdpr:A6-1-d",
    LegalBasis.PUBLIC_TASK: "eu-gdpr:A6-1-e",
    LegalBasis.LEGITIMATE_INTEREST: "eu-gdpr:A6-1-f",
}
RECIPIENTS = {
    RecipientRole.INTERNAL: "dpv:Recipient",
    RecipientRole.PROCESSOR: "dpv:DataProcessor",
    RecipientRole.JOINT: "dpv:JointDataControllers",
    RecipientRole.SEPARATE: "dpv:ThirdParty",
}
# By data item; what is not here is ``dpv:PersonalData``.
PERSONAL_DATA = {
    "identifier": "pd:UID",
    "session": "pd:UID",
    "name": "pd:Name",
    "given_name": "pd:Name",
    "family_name": "pd:Name",
    "login": "pd:Username",
    "language": "pd:Language",
    "email": "pd:EmailAddress",
    "phone": "pd:TelephoneNumber",
    "address": "pd:PhysicalAddress",
    "town": "pd:Location",
    "trade": "pd:Professional",
    "business_name": "pd:Professional",
    "employee_number": "pd:Professional",
    "groups": "pd:GroupMembership",
}
