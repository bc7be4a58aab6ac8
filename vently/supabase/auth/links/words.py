"""What the letters say. Names in braces are filled in by `letters.py`; the templates escape all of it."""

from typing import Literal

import msgspec

Name = Literal[
    "confirm_sign_up",
    "account_exists",
    "magic_link",
    "recovery",
    "invitation",
    "email_change_new",
    "email_change_current",
    "reauthentication",
    "new_device",
    "password_changed",
    "email_changed",
    "way_in_added",
    "way_in_removed",
    "identity_linked",
    "identity_unlinked",
    "recovery_code_used",
]


class Words(msgspec.Struct, frozen=True):
    """One letter. `button` names its link, `code` leads to its six digits."""

    subject: str
    lines: tuple[str, ...]
    not_you: str
    button: str = ""
    code: str = ""


WORDS: dict[Name, Words] = {
    "confirm_sign_up": Words(
        "Welcome to Vently: please confirm your address",
        ("Welcome! Please confirm that {to} is your address, and your account at {site} is ready.",),
        "If you did not sign up, somebody probably mistyped their address. Do nothing, and nothing happens.",
        "Confirm my address",
        "Or enter this code where you signed up:",
    ),
    "account_exists": Words(
        "You already have a Vently account",
        (
            "Somebody, probably you, just tried to sign up at {site} with this address. You already have an account.",
            "Simply sign in. If you have forgotten your password, you can choose a new one there.",
        ),
        "If it was not you, do nothing: your account is as it was, and nobody learned that it exists.",
        "Sign in",
    ),
    "magic_link": Words(
        "Your way in to Vently",
        ("Here is your link to sign in at {site}.",),
        "If you did not ask for it, do nothing: without this letter nobody gets in. Please pass neither link nor code "
        "on; we will never ask you for them.",
        "Sign in",
        "Or enter this code where you asked for it:",
    ),
    "recovery": Words(
        "Choose a new password for Vently",
        ("Forgotten your password? It happens. Open the link, and choose a new one for your account at {site}.",),
        "If you did not ask for it, do nothing: your password stays as it is. Please pass neither link nor code on; we "
        "will never ask you for them.",
        "Choose a new password",
        "Or enter this code where you asked for it:",
    ),
    "invitation": Words(
        "You are invited to Vently",
        ("You have been invited to join {site}, where people find events and meet. We would love to have you.",),
        "If you do not know what this is about, do nothing, and nothing happens.",
        "Accept the invitation",
        "Or enter this code where you are asked for it:",
    ),
    "email_change_new": Words(
        "Please confirm your new address",
        (
            "Please confirm that {new} is to be the address of your account at {site}.",
            "If we have written to your old address too, confirm there as well: the change is made once both have.",
        ),
        "If this was not you, somebody probably mistyped their address. Do nothing, and nothing happens.",
        "Confirm my new address",
        "Or enter this code where you changed it:",
    ),
    "email_change_current": Words(
        "Please confirm the change of your address",
        (
            "The address of your account at {site} is to change from {to} to {new}.",
            "We have written to the new address too: the change is made once both have confirmed.",
        ),
        "If this was not you, do not confirm. Somebody may know your password: choose a new one at {security}",
        "Confirm the change",
        "Or enter this code where you changed it:",
    ),
    "reauthentication": Words(
        "Your code for Vently",
        ("You are about to change something important about your account at {site}.",),
        "If this was not you, somebody is in your account: sign out everywhere and choose a new password at {security}",
        code="Enter this code to show that it is you:",
    ),
    "new_device": Words(
        "New sign-in to your Vently account",
        ("Your account at {site} was signed in to with a browser we had not seen before: {device}, {when} (UTC).",),
        "If it was you, all is well. If not, sign out everywhere and choose a new password.",
        "Look at my sessions",
    ),
    "password_changed": Words(
        "Your Vently password was changed",
        ("The password of your account at {site} was changed, {when} (UTC). All other sessions have ended.",),
        "If it was you, all is well. If not, choose a new password at once, with the link above.",
        "It was not me",
    ),
    "email_changed": Words(
        "The address of your Vently account was changed",
        ("Your account at {site} now has the address {new}. This letter to {to} is the last one that comes here.",),
        "If it was not you, please answer this letter, or write to whoever runs {site}, as soon as you can.",
    ),
    "way_in_added": Words(
        "Something new protects your Vently account",
        ("{what} was added to your account at {site}, {when} (UTC).",),
        "If it was you, all is well. If not, somebody is in your account: remove it, sign out everywhere and choose a "
        "new password.",
        "Look at my account",
    ),
    "way_in_removed": Words(
        "Your Vently account is protected by less",
        ("{what} was removed from your account at {site}, {when} (UTC).",),
        "If it was you, all is well. If not, somebody is in your account: sign out everywhere and choose a new "
        "password.",
        "Look at my account",
    ),
    "identity_linked": Words(
        "Your Vently account has a new way to sign in",
        ("From now on you can sign in at {site} with {what}. It was linked to your account, {when} (UTC).",),
        "If it was you, all is well. If not, somebody is in your account: unlink it, sign out everywhere and choose a "
        "new password.",
        "Look at my account",
    ),
    "identity_unlinked": Words(
        "Your Vently account has a way to sign in less",
        ("You can no longer sign in at {site} with {what}. It was unlinked from your account, {when} (UTC).",),
        "If it was you, all is well. If not, somebody is in your account: sign out everywhere and choose a new "
        "password.",
        "Look at my account",
    ),
    "recovery_code_used": Words(
        "A recovery code of your Vently account was used",
        (
            "Somebody, probably you, signed in at {site} with a recovery code, {when} (UTC). It does not work again.",
            "Codes that are left: {left}. New ones are made where your account's security is kept.",
        ),
        "If it was not you, sign out everywhere and choose a new password at once.",
        "Look at my account",
    ),
}
