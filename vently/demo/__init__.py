"""The demo town: communities, people and events to look at, written through the same rules as everybody's."""
