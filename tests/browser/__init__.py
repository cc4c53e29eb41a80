"""The pages in Chromium: readable, without scripts, closed to other sites; test_stack_pages.py goes
every way through Microsoft on the stack."""
