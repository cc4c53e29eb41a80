"""Import of grants that teams already hold, so that they can move without a new consent.

rows     what a row is; from dictionaries            (pure)
files    rows of CSV, JSON lines and MSAL caches     (pure)
stores   rows of Secrets Manager and Parameter Store
engine   each row into the broker, many at a time, repeatable
report   a line for each row, without secrets
"""
