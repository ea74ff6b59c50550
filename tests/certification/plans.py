"""The plans whose modules are run here."""

BASIC_OP = "oidcc-basic-certification-test-plan"
FORM_POST_OP = "oidcc-formpost-basic-certification-test-plan"
CONFIG_OP = "oidcc-config-certification-test-plan"
RP_LOGOUT_OP = "oidcc-rp-initiated-logout-certification-test-plan"
BACKCHANNEL_OP = "oidcc-backchannel-rp-initiated-logout-certification-test-plan"
FRONTCHANNEL_OP = "oidcc-frontchannel-rp-initiated-logout-certification-test-plan"
SESSION_OP = "oidcc-session-management-certification-test-plan"
FAPI_SP = "fapi2-security-profile-final-test-plan"
FAPI_MS = "fapi2-message-signing-final-test-plan"
# The same plan with fapi_response_mode=plain_response: signed requests, plain answers.
FAPI_JAR = "fapi2-message-signing-final-test-plan plain_response"

BASIC = (BASIC_OP, FORM_POST_OP)
SIGNED = (FAPI_MS, FAPI_JAR)
FAPI = (FAPI_SP, *SIGNED)
SHORT = {
    BASIC_OP: "basic",
    FORM_POST_OP: "formpost",
    CONFIG_OP: "config",
    RP_LOGOUT_OP: "logout",
    BACKCHANNEL_OP: "backchannel",
    FRONTCHANNEL_OP: "frontchannel",
    SESSION_OP: "session",
    FAPI_SP: "fapi2",
    FAPI_MS: "fapi2signing",
    FAPI_JAR: "fapi2jar",
}
