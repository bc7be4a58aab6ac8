"""Administration: what the holder of the secret key does to accounts."""
