"""Where a sign-in comes from, so that people can recognise their sessions."""

import ipaddress

import msgspec


class Device(msgspec.Struct, frozen=True):
    """Browser and address."""

    user_agent: str | None = None
    ip: str | None = None

    @classmethod
    def of(cls, user_agent: str | None, ip: str | None) -> "Device":
        """Whatever a client claims, made fit to store."""
        agent = "".join(letter for letter in user_agent or "" if letter.isprintable())[:512]
        try:
            address = str(ipaddress.ip_address(ip or ""))
        except ValueError:
            address = None
        return cls(agent or None, address)


NOWHERE = Device()
