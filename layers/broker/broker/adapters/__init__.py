"""The ports over AWS and HTTPS. One module a service; `wiring` chooses among them."""
