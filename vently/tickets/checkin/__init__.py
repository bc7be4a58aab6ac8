"""The door: scans, counts, undo, and who helps."""
