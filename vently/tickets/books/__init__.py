"""The books: what was sold, held and paid, counted twice."""
