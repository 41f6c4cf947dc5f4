"""From events to ordered steps, journeys, variants and the journey graph."""
