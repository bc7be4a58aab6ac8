"""Pages of tickets: the routes of every subject."""

from vently.tickets.checkin import pages as checkin
from vently.tickets.invoices import pages as invoices
from vently.tickets.issued import pages as issued
from vently.tickets.orders import pages as orders
from vently.tickets.payments import pages as payments
from vently.tickets.refunds import pages as refunds
from vently.tickets.sales import pages as sales
from vently.tickets.types import pages as types

ROUTES = [
    *types.ROUTES,
    *orders.ROUTES,
    *payments.ROUTES,
    *refunds.ROUTES,
    *invoices.ROUTES,
    *issued.ROUTES,
    *checkin.ROUTES,
    *sales.ROUTES,
]
