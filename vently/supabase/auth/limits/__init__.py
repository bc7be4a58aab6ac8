"""Limits: how often one address, mailbox or person may ask sign-in for something."""
