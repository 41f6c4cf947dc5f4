"""Statistics of experiments: numbers in, numbers out; nothing here knows a log or an audit."""
