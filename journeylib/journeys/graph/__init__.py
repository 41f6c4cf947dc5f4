"""The journey graph: transitions, ends, the Markov chain, smaller graphs."""
