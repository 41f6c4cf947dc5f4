"""The audit as an Airflow DAG: the notebook by PapermillOperator, then its gates.

Copy it into the folder of DAGs. It needs apache-airflow-providers-papermill, and journeylib in the
environment of the worker. Papermill ends well whatever a notebook finds out, so that a task of its
own reads the findings.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

from airflow.providers.papermill.operators.papermill import PapermillOperator
from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException

HOME = Path("/srv/journeys")
AUDIT = "telecom"  # `name` in the configuration
DAY = "{{ data_interval_end | ds }}"


@dag(
    dag_id="customer_journeys",
    schedule="30 6 * * 1",
    start_date=dt.datetime(2026, 1, 5, tzinfo=dt.UTC),
    catchup=False,
    max_active_runs=1,
    # Trying again is safe: the same run replaces itself.
    default_args={"retries": 2, "retry_delay": dt.timedelta(minutes=10)},
)
def customer_journeys() -> None:
    """Run the audit for the week that ended, then fail where a gate failed."""
    audit = PapermillOperator(
        task_id="audit",
        input_nb=str(HOME / "notebooks" / "audit.ipynb"),
        output_nb=str(HOME / f"executed-{DAY}.ipynb"),
        parameters={
            "config": str(HOME / f"{AUDIT}.yaml"),
            "out": str(HOME / "audits"),
            "as_of": DAY,
        },
        execution_timeout=dt.timedelta(hours=2),
    )

    @task(retries=0)
    def gates(day: str) -> None:
        """Fail with the sentences of the gates that failed."""
        runs = sorted(
            (HOME / "audits" / AUDIT).glob(f"{day}-*/audit.json"), key=lambda p: p.stat().st_mtime
        )
        if not runs:
            raise AirflowFailException(f"there is no run of {AUDIT} for {day}")
        findings = json.loads(runs[-1].read_text(encoding="utf-8"))["findings"]
        if failed := [finding["text"] for finding in findings if finding["verdict"] == "fail"]:
            raise AirflowFailException("\n".join(failed))

    audit >> gates(DAY)


customer_journeys()
