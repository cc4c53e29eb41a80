"""``python -m token_broker.cli``."""

from token_broker.cli import main

if __name__ == "__main__":
    main()
