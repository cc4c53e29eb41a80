"""Microsoft's identity platform (v2.0): pages, tokens, discovery, and Graph's `/me`."""
