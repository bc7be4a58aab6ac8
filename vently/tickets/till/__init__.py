"""The till: many buyers in one transaction, each with their own answer."""
