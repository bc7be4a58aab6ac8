"""Issued tickets: signed code, QR, PDF, calendar entry, letters."""
