"""What an operator runs against an AWS account: deploy, destroy, and the acceptance of a stack."""
