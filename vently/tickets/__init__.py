"""Tickets: what is for sale, orders and their money, the tickets people hold, the door."""
