"""Jobs of tickets: what every subject does where nobody waits."""

from vently.tickets.issued import jobs as issued
from vently.tickets.orders import jobs as orders
from vently.tickets.payments import jobs as payments
from vently.tickets.refunds import jobs as refunds
from vently.tickets.till import jobs as till

HANDLERS = {**till.HANDLERS, **orders.HANDLERS, **payments.HANDLERS, **refunds.HANDLERS, **issued.HANDLERS}
TIMETABLE = [*till.TIMETABLE, *orders.TIMETABLE, *payments.TIMETABLE, *refunds.TIMETABLE, *issued.TIMETABLE]
