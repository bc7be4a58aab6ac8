"""Refunds: money goes back to where it came from, once; cancelled events; disputes."""
