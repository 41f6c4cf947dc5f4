"""Where to start: which first automations are worth their money, and how sure that is."""

from journeylib.portfolio.first_automations import Portfolio, portfolio
from journeylib.portfolio.settings import PortfolioSettings
from journeylib.portfolio.value import Driver
from journeylib.portfolio.what_if.people_contacts import QueueRecords, queue_records
from journeylib.portfolio.what_if.queue_inputs import LabResult, Terms, team_of
from journeylib.portfolio.what_if.what_if import WhatIf, figure_text, forecast, move_text
