"""Experiments of an audit: the lab on its log; bets, objective and answers beside its result."""
