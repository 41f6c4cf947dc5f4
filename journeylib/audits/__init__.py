"""Audits: configuration, the frozen result of a run, its document, findings and changes."""

from journeylib.audits.changes.run_comparison import RunComparison, compare_runs
from journeylib.audits.changes.wording import stream_label
from journeylib.audits.config.audit_config import AuditConfig, config_schema
from journeylib.audits.config.batch import BatchEntry, read_batch
from journeylib.audits.config.delivery import LOOPBACK, DeliverySettings, MailSettings, When
from journeylib.audits.config.draft import write_first_config
from journeylib.audits.config.load import load_config
from journeylib.audits.document.document_schema import DocumentPart, document_schema, read_document
from journeylib.audits.experiments.experiments import (
    plan_experiment,
    read_experiment,
    watch_experiment,
)
from journeylib.audits.experiments.facts import assessment_of, bets_of, objective_of
from journeylib.audits.findings.bot_summaries import end_words
from journeylib.audits.history import find_home, find_run, read_history
from journeylib.audits.moves import forecaster, what_if
from journeylib.audits.pipeline import STEPS, audit, read_journeys
from journeylib.audits.preparation.contact_labels import (
    LABELS_END,
    WORKBOOK_END,
    import_labels,
    write_label_lists,
)
from journeylib.audits.preparation.labelling import Labelling, start_labelling
from journeylib.audits.result.result import Audit, Change
from journeylib.audits.runs.bundle import commit, fingerprint_files, locked, save, staged
from journeylib.audits.runs.reproduction import config_of_run, reproduce
