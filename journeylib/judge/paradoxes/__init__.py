"""The six paradoxes: benefit and cost of each."""
