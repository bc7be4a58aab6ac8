"""An order as people see it."""
