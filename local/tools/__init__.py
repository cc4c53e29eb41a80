"""What writes the generated pages: `make docs`."""
