"""The organiser's sales and attendees."""
