"""Accounts: signing up, signing in with a password, and changing one's own details."""
