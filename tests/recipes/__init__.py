"""docs/recipes.md, run as it stands there."""
