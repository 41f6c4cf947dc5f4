"""What leaves after a run: mail, chat messages, reports for pipelines."""

from journeylib.delivery.ci_reports import junit_of_failure
from journeylib.delivery.delivery import (
    SENT,
    append_job_summary,
    is_due,
    mail_picture,
    send,
    write_files,
)
from journeylib.delivery.experiment_mail import watch_mail
from journeylib.delivery.mail import Picture
