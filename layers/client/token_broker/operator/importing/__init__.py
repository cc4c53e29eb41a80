"""Import of grants that teams already hold, so that they can move without a new consent.

rows     what a row is; from dictionaries            (pure)
files    rows of CSV, JSON lines and MSAL caches     (pure)
stores   rows of Secrets Manager and Parameter Store
engine   all rows, many at a time; a run that was interrupted is repeated
prove    one row: the connection, then its token
interrupts  Ctrl-C, counted
gate     the pause that one row is told to make, for all
report   a line for each row, without secrets
"""
