"""Sessions: begun by a first factor, kept alive by refresh tokens, ended by sign-out."""
