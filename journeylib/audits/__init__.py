"""Configuration, run, bundle, gates."""

from journeylib.audits.batch import Planned, planned
from journeylib.audits.changes.run_comparison import Between, between
from journeylib.audits.changes.wording import Change, stream_label
from journeylib.audits.config.delivery import LOOPBACK, DeliverySettings, MailSettings, When
from journeylib.audits.config.draft import write_first_config
from journeylib.audits.config.model import AuditConfig, config_schema, load_config
from journeylib.audits.document.schema import (
    AuditDocument,
    CandidateDoc,
    EstimateDoc,
    FindingDoc,
    PortfolioDoc,
    StoryDoc,
    document_schema,
)
from journeylib.audits.pipeline import STEPS, Audit, audit, read_journeys
from journeylib.audits.runs.bundle import commit, fingerprint_files, locked, save, staged
from journeylib.audits.runs.history import find_home, find_run, read_history
from journeylib.audits.runs.reproduce import reproduce

__all__ = [
    "LOOPBACK",
    "STEPS",
    "Audit",
    "AuditConfig",
    "AuditDocument",
    "Between",
    "CandidateDoc",
    "Change",
    "DeliverySettings",
    "EstimateDoc",
    "FindingDoc",
    "MailSettings",
    "Planned",
    "PortfolioDoc",
    "StoryDoc",
    "When",
    "audit",
    "between",
    "commit",
    "config_schema",
    "document_schema",
    "find_home",
    "find_run",
    "fingerprint_files",
    "load_config",
    "locked",
    "planned",
    "read_history",
    "read_journeys",
    "reproduce",
    "save",
    "staged",
    "stream_label",
    "write_first_config",
]
