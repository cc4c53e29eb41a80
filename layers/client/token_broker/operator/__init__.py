"""What manages the broker; a job imports nothing of it, and the Lambda layer leaves it out.

client     Operator: the routes of the operator
shapes     what they take and answer
attention  who must act on a connection
words      grants, labels and parameters as people write them
speech     remedies in commands where the API names routes
importing  refresh tokens that teams hold elsewhere
awserrors  what AWS's own refusals mean, for the parts that ask AWS itself
cli        the command line `token-broker`

Imports go downwards: cli, importing, client, attention, shapes.
"""

from token_broker.operator.client import Operator

__all__ = ["Operator"]
