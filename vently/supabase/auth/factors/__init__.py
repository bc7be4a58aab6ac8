"""Second factors: codes of an authenticator app, security keys, recovery codes, and the assurance they give (AAL2)."""
