"""The deployed whole, over signed HTTP and a browser without a screen: the main job, every refusal
and what it leaves behind, privileges, secrets that must not show, crowds, late work, rotation.

harness.py is the stack as tests use it; watch.py says what a refusal may change.
"""
