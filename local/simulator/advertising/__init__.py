"""Microsoft Advertising over REST (v13)."""
