"""DuckDB, which holds events, and Spark, which can read them."""
