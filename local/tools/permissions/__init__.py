"""Who may do what, as IAM would evaluate it: the deployed policies, judged by a foreign engine."""
