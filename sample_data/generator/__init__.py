"""The seeded generator behind `sample_data/`: service logs with their truth planted."""

from __future__ import annotations

from sample_data.generator.generate import COMPANIES, SampleLog, generate, write

__all__ = ["COMPANIES", "SampleLog", "generate", "write"]
