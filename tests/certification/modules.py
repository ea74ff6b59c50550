"""The modules of each plan, by the names of the OpenID Foundation; DIFFERENCES.md says which are left out.

FAPI: those of ``plain_fapi``.  Recent releases ask ``ensure-invalid-client-assertions-fail`` what older ones asked in
``par-ensure-jwt-client-assertions-…`` and ``par-test-…-as-audience-fails``; the rows answer to both.
"""

from tests.certification.plans import (
    BACKCHANNEL_OP,
    BASIC_OP,
    CONFIG_OP,
    FAPI_JAR,
    FAPI_MS,
    FAPI_SP,
    FORM_POST_OP,
    FRONTCHANNEL_OP,
    RP_LOGOUT_OP,
    SESSION_OP,
)


def _named(prefix: str, names: str) -> frozenset[str]:
    return frozenset(f"{prefix}-{name}" for name in names.split())


_BASIC = _named(
    "oidcc",
    """server response-type-missing idtoken-signature idtoken-unsigned userinfo-get userinfo-post-header
    userinfo-post-body ensure-request-without-nonce-succeeds-for-code-flow scope-profile scope-email scope-address
    scope-phone scope-all alternate-happy-flow display-page display-popup prompt-login prompt-none-not-logged-in
    prompt-none-logged-in max-age-1 max-age-10000 ensure-request-with-unknown-parameter-succeeds id-token-hint
    login-hint ui-locales claims-locales ensure-request-with-acr-values-succeeds codereuse codereuse-30seconds
    ensure-registered-redirect-uri ensure-post-request-succeeds server-client-secret-post
    request-uri-unsigned-supported-correctly-or-rejected-as-unsupported
    unsigned-request-object-supported-correctly-or-rejected-as-unsupported claims-essential
    ensure-request-object-with-redirect-uri refresh-token ensure-request-with-valid-pkce-succeeds""",
)
_SECURITY_PROFILE = _named(
    "fapi2-security-profile-final",
    """discovery-end-point-verification happy-flow user-rejects-authentication
    ensure-authorization-request-without-state-success ensure-authorization-request-without-nonce-success
    ensure-authorization-request-with-64-char-nonce-success ensure-authorization-request-with-long-nonce
    ensure-authorization-request-with-long-state ensure-other-scope-order-succeeds
    test-claims-parameter-identity-claims access-token-type-header-case-sensitivity check-dpop-proof-nbf-exp
    ensure-dpopproof-with-iat-10seconds-before-succeeds ensure-dpopproof-with-iat-10seconds-after-succeeds
    ensure-mismatched-dpop-jkt-fails ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt
    ensure-token-endpoint-fails-with-mismatched-dpop-jkt ensure-dpopproof-at-par-endpoint-binding-success
    ensure-dpop-auth-code-binding-success dpop-negative-tests
    ensure-different-nonce-inside-and-outside-request-object ensure-different-state-inside-and-outside-request-object
    state-only-outside-request-object-not-used ensure-request-object-without-redirect-uri-fails
    plain-fapi-tolerate-unregistered-redirect-uri
    ensure-unsigned-authorization-request-without-using-par-fails ensure-redirect-uri-in-authorization-request
    ensure-response-type-code-idtoken-fails ensure-response-type-token-fails ensure-client-id-in-token-endpoint
    ensure-holder-of-key-required ensure-authorization-code-is-bound-to-client
    attempt-reuse-authorization-code-after-one-second ensure-token-endpoint-fails-with-expired-auth-code
    ensure-signed-client-assertion-with-RS256-fails ensure-client-assertion-in-token-endpoint
    ensure-client-assertion-with-exp-is-5-minutes-in-past-fails ensure-client-assertion-with-wrong-aud-fails
    ensure-client-assertion-with-no-sub-fails ensure-invalid-client-assertions-fail refresh-token
    par-ensure-reused-request-uri-prior-to-auth-completion-succeeds par-attempt-reuse-request_uri
    par-attempt-to-use-expired-request_uri par-attempt-to-use-request_uri-for-different-client
    par-authorization-request-containing-request_uri-form-param par-attempt-invalid-http-method
    par-ensure-pkce-required ensure-pkce-code-verifier-required incorrect-pkce-code-verifier-rejected
    par-plain-pkce-rejected par-without-duplicate-parameters
    par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted
    par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails par-test-array-as-audience-fails
    par-test-par-endpoint-url-as-audience-fails par-test-token-endpoint-url-as-audience-fails""",
)
# Of the Message Signing plan, by the name of the other: the plans share one set of modules.
_MESSAGE_SIGNING = _named(
    "fapi2-security-profile-final",
    """ensure-request-object-with-multiple-aud-succeeds
    ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted ensure-request-object-without-exp-fails
    ensure-request-object-without-nbf-fails ensure-request-object-with-bad-aud-fails
    ensure-request-object-with-exp-over-60-fails ensure-request-object-with-nbf-over-60-fails
    ensure-expired-request-object-fails ensure-signed-request-object-with-RS256-fails
    ensure-request-object-signature-algorithm-is-not-none ensure-request-object-with-invalid-signature-fails
    ensure-matching-key-in-authorization-request ensure-unsigned-request-at-par-endpoint-fails
    par-authorization-request-containing-request_uri""",
)
MODULES: dict[str, frozenset[str]] = {
    BASIC_OP: _BASIC,
    FORM_POST_OP: _BASIC,
    CONFIG_OP: _named("oidcc", "discovery-endpoint-verification"),
    RP_LOGOUT_OP: _named(
        "oidcc-rp-initiated-logout",
        """discovery-endpoint-verification bad-post-logout-redirect-uri modified-id-token-hint no-id-token-hint
        no-params no-post-logout-redirect-uri no-state only-state query-added-to-post-logout-redirect-uri
        bad-id-token-hint""",
    )
    | {"oidcc-rp-initiated-logout"},
    BACKCHANNEL_OP: _named("oidcc-backchannel", "logout-discovery-endpoint-verification rp-initiated-logout"),
    FRONTCHANNEL_OP: _named("oidcc-frontchannel", "logout-discovery-endpoint-verification rp-initiated-logout"),
    SESSION_OP: _named("oidcc-session-management", "discovery-endpoint-verification rp-initiated-logout"),
    FAPI_SP: _SECURITY_PROFILE,
    # Every row of the Security Profile again, with signed requests; and with signed answers or plain ones.
    FAPI_MS: _SECURITY_PROFILE | _MESSAGE_SIGNING,
    FAPI_JAR: _SECURITY_PROFILE | _MESSAGE_SIGNING,
}
