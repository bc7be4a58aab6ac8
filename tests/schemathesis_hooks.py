"""For Schemathesis: a request that the schema allows may be refused with 422 only for what no schema can say."""

import re

import schemathesis

NO_SCHEMA_CAN_SAY = [
    r"is not a cursor that this list gave",
    r"must not be before",
    r"is no community",
    r"is no comment of this event",
    r"only an event of a community can be for its members",
    r"^RRULE ",
    r"is no currency of today",
    r"in which this event sells",
    r"counts in other units",
    r"two digits after the point",
    r"is no pool of this event",
    r"must be after (sales_start|valid_from)",
    r"give either percent or amount",
    r"a choice has 1 to 50",
    r"names more than the \d+ of this item",
    r"is where the tickets go",
    r"is needed from whoever is not signed in",
    r"is the ISO 3166 code of the country the account is in",
    r"is no ticket of this order",
    r"is no discount code of this event now",
    r"is no ticket type of this event",
]
"""Parts of the sentences, each about several fields at once, about what is stored, or about a language in a text."""
_ALLOWED = re.compile("|".join(NO_SCHEMA_CAN_SAY))


@schemathesis.check
def refused_for_what_no_schema_can_say(_, response, case):
    """Every sentence of a 422 to a request that the schema allows is one of the list above."""
    if response.status_code != 422 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    problem = response.json()
    if problem["type"] == "/problems/not-readable":  # what is inside a file
        return
    said = [error["detail"] for error in problem["errors"]] or [problem["detail"]]
    unexplained = [sentence for sentence in said if not _ALLOWED.search(sentence)]
    assert not unexplained, f"the schema allows what is refused: {unexplained}"
