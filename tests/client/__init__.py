"""What a job imports, in front of a fake broker; in test_stack_client.py in front of the stack."""
