"""Calendars (.ics, RFC 5545): each VEVENT is read for itself."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

from icalendar.parser.property import split_on_unescaped_comma
from icalendar.prop import vDuration
from msgspec.structs import replace

from vently.events.importing import zones
from vently.events.importing.entries import MAX_ROWS, Draft, NotReadable, Reading, Refused, Unreadable
from vently.events.importing.lines import Block, Calendar, calendars, decoded
from vently.events.importing.properties import Property, conference, geo, properties_of, sequence, status, wrong
from vently.events.importing.repetitions import Entry, apart
from vently.events.importing.settle import Surroundings, settle
from vently.outside.places import Places

_moment = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?:T([0-9]{2}):?([0-9]{2}):?([0-9]{2})?(Z)?)?", re.IGNORECASE)


def read_calendar(
    data: bytes, *, default_timezone: str, places: Places, on_row: Callable[[int, int], None] | None = None
) -> Reading:
    """Raises NotReadable when the file is no calendar at all."""
    found, refused = calendars(decoded(data))
    total = sum(len(calendar.events) for calendar in found)
    rows = total + len(refused)
    if rows > MAX_ROWS:
        raise NotReadable(f"The file has {rows:,} entries; {MAX_ROWS:,} can be imported at a time. Split it.")
    entries: list[Entry] = []
    done = 0
    for calendar in found:
        reader = _Reader(calendar, default_timezone, places)
        for block in calendar.events:
            try:
                entries.append(reader.read(block))
            except Unreadable as error:
                refused.append(Refused(error.line or block.number, _uid_of(block), error.reason))
            done += 1
            if on_row is not None:
                on_row(done, total)
    return Reading(tuple(apart(entries)), tuple(sorted(refused, key=lambda entry: entry.line)), rows)


class _Reader:
    """Reads the entries of one calendar: its zones, its own zone, and whether it cancels."""

    def __init__(self, calendar: Calendar, default_timezone: str, places: Places) -> None:
        own = {line.text.partition(":")[0].upper(): line.text.partition(":")[2] for line in calendar.properties}
        self.cancels = own.get("METHOD", "").strip().upper() == "CANCEL"
        self.blocks = {_tzid_of(block): block for block in calendar.zones}
        self.zones: dict[str, str | None] = {}
        self.hint = default_timezone
        given = own.get("X-WR-TIMEZONE", "").strip()
        self.around = Surroundings(places, default_timezone, (self.zone(given) if given else None))

    def read(self, block: Block) -> Entry:
        if block.trouble:
            raise Unreadable(f"The entry {block.trouble}.", block.number)
        given = properties_of(block)
        draft = self.draft(block, given)
        try:
            event = settle(draft, self.around)
            zone = event.timezone
            extra = tuple(_instants(self, given.get("RDATE", []), zone))
            replaces = next(iter(_instants(self, given.get("RECURRENCE-ID", []), zone)), None)
        except Unreadable as error:
            # The sentence names the property; its line is where the owner will look.
            named = next((name for name in given if error.reason.startswith((f"{name} ", f"{name}:"))), None)
            raise Unreadable(error.reason, error.line or (given[named][0].line if named else None)) from error
        return Entry(event, replaces, extra)

    def draft(self, block: Block, given: dict[str, list[Property]]) -> Draft:
        def text(name: str) -> str | None:
            return given[name][0].text if name in given else None

        if "DTSTART" not in given:
            raise Unreadable("The entry has no start (DTSTART).")
        if "DTEND" in given and "DURATION" in given:
            raise Unreadable("The entry has both DTEND and DURATION; only one may stand.", given["DURATION"][0].line)
        start, zone = self.moment(given["DTSTART"][0])
        return Draft(
            line=block.number,
            uid=text("UID"),
            title=text("SUMMARY") or "",
            description=text("DESCRIPTION"),
            start=start,
            end=self.end(given),
            zone=zone,
            location=text("LOCATION"),
            geo=geo(given),
            url=text("URL"),
            online_url=conference(given),
            categories=[name for each in given.get("CATEGORIES", []) for name in split_on_unescaped_comma(each.value)],
            rrule=given["RRULE"][0].value if "RRULE" in given else None,
            exdates=[moment for each in given.get("EXDATE", []) for moment in self.moments(each)],
            private=(text("CLASS") or "").strip().upper() in {"PRIVATE", "CONFIDENTIAL"},
            status="cancelled" if self.cancels else status(given),
            sequence=sequence(given),
            last_modified=self.last_modified(given),
        )

    def end(self, given: dict[str, list[Property]]) -> date | datetime | timedelta | None:
        if "DURATION" in given:
            try:
                length: timedelta = vDuration.from_ical(  # type: ignore[no-untyped-call]
                    given["DURATION"][0].value.strip()
                )
            except ValueError as error:
                raise wrong(given["DURATION"][0], "a length such as PT2H or P1D") from error
            return length
        return self.moment(given["DTEND"][0])[0] if "DTEND" in given else None

    def last_modified(self, given: dict[str, list[Property]]) -> datetime | None:
        if "LAST-MODIFIED" not in given:
            return None
        moment = self.moment(given["LAST-MODIFIED"][0])[0]
        if not isinstance(moment, datetime):
            raise wrong(given["LAST-MODIFIED"][0], "a time such as 20250301T080000Z")
        try:
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except OverflowError as error:
            raise wrong(given["LAST-MODIFIED"][0], "a time such as 20250301T080000Z") from error

    def moments(self, given: Property) -> list[date | datetime]:
        return [self.moment(replace(given, value=item))[0] for item in given.value.split(",") if item.strip()]

    def moment(self, given: Property) -> tuple[date | datetime, str | None]:
        """A date, or a time (aware where it says its zone, else naive), and the zone it names."""
        # A period (RFC 5545, 3.3.9) begins where it begins.
        found = _moment.fullmatch(given.value.strip().partition("/")[0])
        if found is None:
            raise wrong(given, "a date such as 20250301 or a time such as 20250301T180000")
        year, month, day = (int(found[at]) for at in (1, 2, 3))
        try:
            if found[4] is None:
                return date(year, month, day), None
            second = min(int(found[6] or 0), 59)  # a leap second is the one before
            moment = datetime(year, month, day, int(found[4]), int(found[5]), second)  # noqa: DTZ001 - its zone follows
        except ValueError as error:
            raise wrong(given, "a day and time there is") from error
        if given.parameters.get("VALUE", "").upper() == "DATE":
            raise wrong(given, "a date without a time, as its VALUE=DATE says")
        if found[7]:
            return moment.replace(tzinfo=UTC), None
        tzid = given.parameters.get("TZID")
        if not tzid:
            return moment, None
        zone = self.zone(tzid)
        if zone is None:
            raise Unreadable(f"{given.name} has the unknown time zone {tzid[:60]!r}.", given.line)
        return moment.replace(tzinfo=zones.clock(zone)), zone

    def zone(self, tzid: str) -> str | None:
        if tzid not in self.zones:
            block = self.blocks.get(tzid)
            self.zones[tzid] = zones.iana(tzid) or (_zone_of(block, self.hint) if block else None)
        return self.zones[tzid]


def _instants(reader: _Reader, given: list[Property], timezone: str) -> list[datetime]:
    found = []
    for each in given:
        for moment in reader.moments(each):
            local = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
            try:
                aware = local if local.tzinfo else local.replace(tzinfo=zones.clock(timezone))
                found.append(aware.astimezone(UTC))
            except OverflowError as error:
                raise wrong(each, "a time there is") from error
    return found[:200]


def _uid_of(block: Block) -> str | None:
    uid = next((line.text.partition(":")[2].strip() for line in block.lines if line.text[:3].upper() == "UID"), "")
    return uid[:255].encode("utf-8", "replace").decode().replace("\0", "") or None


def _tzid_of(block: Block) -> str:
    return next((line.text.partition(":")[2].strip() for line in block.lines if line.text[:4].upper() == "TZID"), "")


def _zone_of(block: Block, hint: str) -> str | None:
    """The zone a VTIMEZONE means: the location it names (libical does), else the clock it describes."""
    named = [line.text.partition(":")[2] for line in block.lines if line.text.upper().startswith("X-LIC-LOCATION")]
    text = "\n".join(line.text for line in block.lines)
    return next((zone for zone in map(zones.iana, named) if zone), None) or zones.zone_of_rules(
        f"BEGIN:VTIMEZONE\n{text}\nEND:VTIMEZONE\n", (hint,)
    )
