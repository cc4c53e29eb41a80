"""The stores over DynamoDB: a module for each table, and one for each narrower right to use it."""
