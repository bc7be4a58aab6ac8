"""The keys that sign access tokens: kept in the database, sealed, changed without anybody noticing."""
