"""Providers: signing in by an account elsewhere, and linking one to an account here."""
