"""The engines that hold events: DuckDB and Spark."""
