"""The configuration: its model, reading it, and a first draft of one."""
