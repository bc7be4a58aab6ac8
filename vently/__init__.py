"""Vently: discover and run events, communities and tickets."""

__version__ = "0.1.0"
