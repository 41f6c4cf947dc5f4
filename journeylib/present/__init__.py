"""Maps, charts, tables, the dashboard."""
