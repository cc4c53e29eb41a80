"""The Microsoft identity platform: token endpoint, ID token, catalogue of AADSTS numbers."""
