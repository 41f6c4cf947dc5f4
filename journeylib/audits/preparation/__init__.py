"""What is done to a log before it is cut, what other choices would give, what people wrote."""
