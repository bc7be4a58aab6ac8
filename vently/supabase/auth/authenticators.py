"""Authenticators: what is asked of a security key or passkey (WebAuthn Level 3), and whether its answer holds."""

import ipaddress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    options_to_json_dict,
    parse_attestation_object,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from vently.supabase.auth.rules import Rules

NAME = "Vently"
LONGEST_ID = 1023
"""Bytes of a credential's id (WebAuthn, section 7.1)."""

_ATTESTED = {AttestationFormat.NONE, AttestationFormat.PACKED}
"""None is asked for: browsers then leave a device's own signature (packed) at most, no maker's certificates."""

_UNREADABLE = (
    WebAuthnException,
    InvalidSignature,
    UnsupportedAlgorithm,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
"""What the library and its CBOR reader raise at bytes that somebody made up."""


class AnswerRefused(Exception):
    """The answer does not hold; `str()` says why, for the log."""


class Site(NamedTuple):
    """The relying party: its id is part of what is signed, its origins are where a browser may have been."""

    id: str
    origins: list[str]

    @classmethod
    def of(cls, rules: Rules) -> "Site":
        """A browser takes no address of numbers for an id: on such a one, people reach Vently as `localhost`."""
        parts = urlsplit(rules.site_url.lower())
        host = parts.hostname or "localhost"
        if _is_loopback(host):
            host = "localhost"
        usual = {"http": 80, "https": 443}.get(parts.scheme)
        port = f":{parts.port}" if parts.port and parts.port != usual else ""
        return cls(host, [f"{parts.scheme}://{host}{port}"])


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """A key pair that an authenticator made for this site, without the half that never leaves it."""

    id: bytes
    public_key: bytes
    sign_count: int
    aaguid: str = ""
    attestation: str = "none"
    transports: list[str] = []
    backup_eligible: bool = False
    backed_up: bool = False


class Asserted(NamedTuple):
    """A signature that holds."""

    sign_count: int
    backed_up: bool
    handle: bytes | None
    """Of the account it was made for, as the authenticator remembers it."""


def creation_options(
    rules: Rules, challenge: bytes, *, handle: bytes, name: str, known: list[bytes], passkey: bool
) -> dict[str, Any]:
    """For `navigator.credentials.create()`. `known`: keys of this person, which are not to be enrolled twice."""
    site = Site.of(rules)
    return options_to_json_dict(
        generate_registration_options(
            rp_id=site.id,
            rp_name=NAME,
            user_id=handle,
            user_name=name or "you",
            challenge=challenge,
            timeout=rules.challenge_seconds * 1000,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED if passkey else ResidentKeyRequirement.DISCOURAGED,
                user_verification=_verification(passkey=passkey),
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
        )
    )


def request_options(rules: Rules, challenge: bytes, *, allowed: list[bytes], passkey: bool) -> dict[str, Any]:
    """For `navigator.credentials.get()`. Nobody `allowed`: any key that remembers an account here."""
    return options_to_json_dict(
        generate_authentication_options(
            rp_id=Site.of(rules).id,
            challenge=challenge,
            timeout=rules.challenge_seconds * 1000,
            allow_credentials=[PublicKeyCredentialDescriptor(id=each) for each in allowed],
            user_verification=_verification(passkey=passkey),
        )
    )


def created(rules: Rules, challenge: bytes, answer: dict[str, Any], *, passkey: bool) -> Credential:
    """The new key of an answer to `creation_options`. Raises AnswerRefused."""
    site = Site.of(rules)
    try:
        given = parse_registration_credential_json(answer)
        _check_frame(given.response.client_data_json)
        form = parse_attestation_object(given.response.attestation_object).fmt
        if form not in _ATTESTED:
            raise AnswerRefused(f"attestation {form} is not taken")
        found = verify_registration_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=site.id,
            expected_origin=site.origins,
            require_user_verification=passkey,
        )
    except _UNREADABLE as error:
        raise AnswerRefused(str(error)) from error
    if len(found.credential_id) > LONGEST_ID or found.credential_id != given.raw_id:
        raise AnswerRefused("the credential's id is too long or not the one that was signed")
    return Credential(
        id=found.credential_id,
        public_key=found.credential_public_key,
        sign_count=found.sign_count,
        aaguid=found.aaguid,
        attestation=found.fmt,
        transports=[each.value for each in given.response.transports or []],
        backup_eligible=found.credential_device_type == CredentialDeviceType.MULTI_DEVICE,
        backed_up=found.credential_backed_up,
    )


def credential_id_of(answer: dict[str, Any]) -> bytes:
    """Which key says it answers. Raises AnswerRefused."""
    try:
        return parse_authentication_credential_json(answer).raw_id
    except _UNREADABLE as error:
        raise AnswerRefused(str(error)) from error


def asserted(
    rules: Rules, challenge: bytes, answer: dict[str, Any], credential: Credential, *, passkey: bool
) -> Asserted:
    """Whether this key has signed the challenge here and now. Raises AnswerRefused.

    A counter that does not go up means that the key has been copied (WebAuthn, section 6.1.1).
    """
    site = Site.of(rules)
    try:
        given = parse_authentication_credential_json(answer)
        _check_frame(given.response.client_data_json)
        if given.raw_id != credential.id:
            raise AnswerRefused("another key has answered")
        found = verify_authentication_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=site.id,
            expected_origin=site.origins,
            credential_public_key=credential.public_key,
            credential_current_sign_count=credential.sign_count,
            require_user_verification=passkey,
        )
    except _UNREADABLE as error:
        raise AnswerRefused(str(error)) from error
    eligible = found.credential_device_type == CredentialDeviceType.MULTI_DEVICE
    if eligible != credential.backup_eligible:
        raise AnswerRefused("whether the key can be backed up never changes")
    return Asserted(found.new_sign_count, found.credential_backed_up, given.response.user_handle)


def challenge_of(text: str) -> bytes:
    return base64url_to_bytes(text)


def _check_frame(client_data: bytes) -> None:
    """Nobody else's page holds ours in a frame, so no ceremony takes place in one."""
    if parse_client_data_json(client_data).cross_origin:
        raise AnswerRefused("it was made inside another site's page")


def _verification(*, passkey: bool) -> UserVerificationRequirement:
    """A passkey stands for both factors; a key beside a password need not ask for a PIN as well."""
    return UserVerificationRequirement.REQUIRED if passkey else UserVerificationRequirement.DISCOURAGED


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
