"""Tickets over HTTP: the routes of every subject."""

from vently.tickets.checkin import api as checkin
from vently.tickets.invoices import api as invoices
from vently.tickets.issued import api as issued
from vently.tickets.orders import api as orders
from vently.tickets.payments import api as payments
from vently.tickets.refunds import api as refunds
from vently.tickets.sales import api as sales
from vently.tickets.till import api as till
from vently.tickets.types import api as types

ROUTES = [
    *till.ROUTES,
    *types.ROUTES,
    *orders.ROUTES,
    *payments.ROUTES,
    *refunds.ROUTES,
    *invoices.ROUTES,
    *issued.ROUTES,
    *checkin.ROUTES,
    *sales.ROUTES,
]
