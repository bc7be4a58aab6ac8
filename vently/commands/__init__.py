"""What the commands of `cli.py` do, a module each."""
