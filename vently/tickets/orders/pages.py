"""Pages of orders: buying, the order, the tickets one has."""

from vently.tickets.orders import cart_pages, order_pages, ticket_pages

ROUTES = [*cart_pages.ROUTES, *order_pages.ROUTES, *ticket_pages.ROUTES]
