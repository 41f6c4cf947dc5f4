"""The wall map: the whole journey as one drawing."""
