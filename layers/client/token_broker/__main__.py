"""``python -m token_broker``: the command line, where its script is not on the path."""

from token_broker.operator.cli import main

if __name__ == "__main__":
    main()
