"""Where to start: which first automations are worth their money, and how sure that is."""

from journeylib.portfolio.first_automations import Portfolio, portfolio
from journeylib.portfolio.settings import PortfolioSettings
from journeylib.portfolio.value import Driver

__all__ = ["Driver", "Portfolio", "PortfolioSettings", "portfolio"]
