"""Flows: from a challenge (PKCE, RFC 7636) through somewhere else (a provider, a mail) to a code, to a session."""
