"""Links: everything that goes by a one-time secret in a letter."""
