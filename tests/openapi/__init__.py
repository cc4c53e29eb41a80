"""docs/openapi.json: in step with the code, and true of the running stack."""
