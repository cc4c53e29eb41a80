"""What works on the project itself: the generated pages (`make docs`), the house in numbers."""
