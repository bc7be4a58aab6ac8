"""Passkeys: signing in with what a person's device keeps, without a password."""
