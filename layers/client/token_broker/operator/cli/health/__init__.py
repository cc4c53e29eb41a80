"""What `doctor` looks at.

finding      what is, and what to do where it is not well
reach        credentials, the API, the clock
connections  refreshes, the client credential, who must act, excess scopes  (pure)
deployment   what the stack's outputs lead to
"""
