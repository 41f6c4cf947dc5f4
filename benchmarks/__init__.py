"""Speed and memory, always as ratios within one run; never a timed test."""
