"""The OpenAPI document of the signed routes, made from the code: `docs/openapi.json`."""
