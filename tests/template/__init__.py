"""template.yaml as it is written, and as SAM hands it to CloudFormation. Nothing runs."""
