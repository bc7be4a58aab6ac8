"""What sign-in refuses, in the words of its pages."""

from vently.refusals import Refusal
from vently.supabase.auth.errors import AuthError
from vently.web.form_pages import wrong

_WAIT = "That was often. Wait a little, then try again."
_STALE = "That code is wrong or has expired. Look for the newest mail, or ask for a new code."

SENTENCES = {
    "invalid_credentials": "E-mail and password do not match.",
    "email_not_confirmed": "Confirm your address first, with the link or code from our mail.",
    "user_banned": "This account may not sign in.",
    "user_already_exists": "There is an account with this address already; sign in instead.",
    "email_exists": "Another account has this address.",
    "email_address_invalid": "This is not an address we can write to.",
    "same_password": "This is the password you have already.",
    "over_request_rate_limit": _WAIT,
    "over_email_send_rate_limit": "A mail was sent a moment ago. Wait a minute before you ask for another.",
    "otp_expired": _STALE,
    "otp_disabled": "There is no account with this address.",
    "signup_disabled": "New accounts cannot be made here.",
    "flow_state_not_found": "This link was used already, or was asked for in another browser.",
    "flow_state_expired": "This took too long; begin again.",
    "bad_code_verifier": "This link was asked for in another browser. Open it there, or enter the code from the mail.",
    "bad_oauth_state": "This took too long, or was begun in another browser; begin again.",
    "server_error": "The other site did not answer as it should; begin again.",
    "provider_email_needs_verification": "Confirm the address with the other site first.",
    "identity_already_exists": "That account is linked to somebody here already.",
    "single_identity_not_deletable": "This is your only way to sign in; add another one first.",
    "email_conflict_identity_not_deletable": "Another account has that address, so this cannot be unlinked.",
    "manual_linking_disabled": "Linking accounts is switched off here.",
    "mfa_verification_failed": "That code is not right. Look at your app for the one it shows now.",
    "mfa_challenge_expired": "This took too long; try again.",
    "mfa_factor_name_conflict": "You have a second factor of this name already; give this one another.",
    "too_many_enrolled_mfa_factors": "You have as many second factors as an account may have; remove one first.",
    "mfa_verification_rejected": "That was often. Wait a little, then try again.",
    "webauthn_verification_failed": "That passkey does not count here.",
    "webauthn_challenge_expired": "This took too long; try again.",
    "insufficient_aal": "Give your second factor again to change this.",
    "current_password_invalid": "This is not your password.",
    "current_password_required": "Your password is needed for this.",
    "reauthentication_needed": "It is a while since you signed in: sign in again, then change this.",
    "access_denied": "The other site did not let you in, or you said no there.",
    "user_cancelled": "You said no at the other site.",
    "unexpected_failure": "That did not work. Try again.",
}

POINTERS = {
    "validation_failed": "/email",
    "email_address_invalid": "/email",
    "user_already_exists": "/email",
    "email_exists": "/email",
    "weak_password": "/password",
    "same_password": "/password",
    "current_password_invalid": "/current_password",
    "current_password_required": "/current_password",
    "otp_expired": "/code",
    "mfa_verification_failed": "/code",
    "mfa_factor_name_conflict": "/name",
}
"""Which input an error belongs to."""

REASONS = {
    "length": "Choose a longer password.",
    "characters": "Mix letters, digits and other characters.",
    "pwned": "This password was in a leak and is on lists that attackers try first; choose another.",
}
"""Of a weak password. Other reasons are told in the refusal's own words."""


def told(refused: Refusal, inputs: dict[str, str] | None = None) -> dict[str, str]:
    """Sentence by pointer, as forms show them. `inputs`: pointers by code that differ on this page."""
    if not isinstance(refused, AuthError):
        return wrong(refused)
    pointer = {**POINTERS, **(inputs or {})}.get(refused.code, "")
    return {pointer: sentence(refused)}


def sentence(refused: AuthError) -> str:
    if refused.code == "weak_password" and refused.reasons and REASONS.keys() >= set(refused.reasons):
        return " ".join(REASONS[reason] for reason in refused.reasons)
    return SENTENCES.get(refused.code, refused.message)


def plainly(refused: AuthError) -> AuthError:
    """The refusal, told in words of ours by whatever shows it."""
    refused.detail = sentence(refused)
    return refused


def of_codes(*codes: str) -> str:
    """For the error codes of an address, the best known first. What else an address says is not shown: anybody can
    write an address.
    """
    vague = SENTENCES["unexpected_failure"]
    return next((told for code in codes if (told := SENTENCES.get(code, vague)) != vague), vague)
