"""The content of `audit.json`: its shape, and how a run fills it."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from journeylib.core import AbstainReason, Grade

SCHEMA_VERSION = "1"
Cut = Literal["case", "gap", "goal", "learned", "customer"]
Verdict = Literal["automate", "assist", "human_led", "human_only", "fix_first", "abstain"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EstimateDoc(_Part):
    """A number with its interval, base and grade, or the reason for abstaining."""

    value: float | None
    lo: float | None
    hi: float | None
    unit: str
    n_customers: int
    n_journeys: int
    grade: Grade
    abstain: AbstainReason | None


class MeasureDoc(EstimateDoc):
    """A measure of one touchpoint."""

    source: str = Field(
        description="Of what customers say: the column, who read it, and whether labelled turns "
        "correct it; else empty."
    )


class AuditDoc(_Part):
    """Which run this is."""

    name: str
    title: str
    run_id: str
    period: tuple[str, str] | None = Field(description="First and last day of the log, UTC.")
    as_of: dt.date
    config_hash: str
    log_hash: str


class QualityDoc(_Part):
    """One check of the log."""

    check: str
    role: str
    severity: Literal["ok", "note", "warning", "blocking"]
    rows: int
    share: float
    text: str


class MappingDoc(_Part):
    """The company's table of touchpoints, and how much of the log it covers."""

    hash: str = Field(description="sha256 of its rows: the version that the results rest on.")
    rules: int
    unused_rules: int
    unmapped_events: int
    unmapped_share: float


class ChannelGapDoc(_Part):
    """The silence that ends a journey after an event of one channel."""

    channel: str = Field(description="Empty: no channel, or one with too few gaps or customers.")
    gap_days: float
    answer: Literal["declared", "found", "assumed"]
    reason: str = Field(description="Why it is assumed.")


class CuttingDoc(_Part):
    """How journeys were cut, and how sure that is."""

    answer: Literal["declared", "found", "assumed"]
    definition: str = Field(description="What a journey is, in words.")
    gap_days: float | None
    confidence: float | None = Field(description="Mean probability of the boundaries drawn.")
    doubtful: float | None = Field(description="Share of pairs of events neither cut nor joined.")
    learned_customers: int | None
    channels: tuple[ChannelGapDoc, ...] = Field(description="Empty where all have the same gap.")


class VerdictChangeDoc(_Part):
    """A verdict that another choice would change."""

    touchpoint: str
    verdict: Verdict | None = Field(description="None: then too few customers to be shown.")
    instead_of: Verdict = Field(description="The verdict of this audit.")


class KeyResultsDoc(_Part):
    """What a choice made before measuring may change."""

    journeys: int
    customers: int
    steps_per_journey: float | None
    repeat_contact: float | None
    contained_raw: float | None
    contained_verified: float | None
    contained_verified_hi: float | None
    verdicts_compared: int | None = Field(
        description="Touchpoints at which somebody serves; null where verdicts are not compared."
    )
    verdicts_changed: int | None
    changes: tuple[VerdictChangeDoc, ...]


class CutSensitivityDoc(KeyResultsDoc):
    """Key results with another cut."""

    cut: Cut
    factor: float | None = Field(description="Of the gap, where silence cuts.")
    gap_days: float | None
    threshold: float | None = Field(description="Of a boundary's probability, where learned.")
    chosen: bool = Field(description="The audit's own cut.")


class LinkageLevelDoc(KeyResultsDoc):
    """Key results with and without linkage."""

    linked: bool


class LinkageDoc(_Part):
    """How customers whose identifiers are alike were joined."""

    threshold: float = Field(description="Probability from which two customers are one person.")
    customers_before: int
    customers: int
    people: int = Field(description="Persons joined from several customers.")
    moved_share: float = Field(description="Share of events whose customer is another now.")
    confidence: float | None = Field(description="Mean probability of the links drawn.")
    least: float | None = Field(description="Probability of the least sure person.")
    levels: tuple[LinkageLevelDoc, ...]


class StitchingLevelDoc(KeyResultsDoc):
    """Key results at another level of stitching."""

    level: Literal["strict", "default", "loose"]


class IdentifiersDoc(_Part):
    """One kind of identifier."""

    kind: str
    identifiers: int
    shared: int = Field(description="Left out: linked to too many accounts.")
    events: int
    shared_events: int


class StitchingDoc(_Part):
    """How events of one person were found under several identifiers."""

    level: Literal["strict", "default", "loose"]
    customers_before: int
    customers: int
    moved_events: int
    unidentified_events: int
    large_size: int = Field(description="99.9th percentile of identifiers per person.")
    large_people: int
    largest: int
    kinds: tuple[IdentifiersDoc, ...]
    levels: tuple[StitchingLevelDoc, ...]


class LogDoc(_Part):
    """What the log holds."""

    events: int
    journeys: int
    customers: int
    rows_read: int
    rows_quarantined: int
    cut: Cut
    cutting: CuttingDoc
    open_journeys: int
    cut_off_journeys: int
    suppressed_cells: int
    quality: tuple[QualityDoc, ...]


class TouchpointDoc(_Part):
    """One touchpoint with its scores and verdict."""

    touchpoint: str
    stage: str | None
    channel: str | None
    office: str | None
    events: int
    journeys: int
    customers: int
    automation_fit: EstimateDoc
    empathy_need: EstimateDoc
    verdict: Verdict
    leaning: str | None
    verdict_stability: float | None
    vetoes: tuple[str, ...]
    reasons: tuple[str, ...]
    next_datum: str | None
    measures: dict[str, MeasureDoc]


class TransitionDoc(_Part):
    """One directly-follows transition."""

    source: str
    target: str
    events: int
    journeys: int
    customers: int
    median_seconds: float | None


class MomentDoc(_Part):
    """One touchpoint × outcome: does a good visit here go with a better outcome."""

    touchpoint: str
    outcome: str
    effect: EstimateDoc
    naive: float | None
    adjusted: float | None
    q_value: float | None = Field(description="Benjamini–Hochberg, over all pairs tested.")
    q_value_dependent: float | None = Field(
        description="Benjamini–Yekutieli: holds however the tests depend on each other."
    )
    shrunken: float | None = Field(description="The effect less its noise, for ranking.")
    e_value: float | None = Field(
        description="How strong a hidden cause must be to explain the interval's limit."
    )
    is_moment: bool
    grade: Grade
    reasons: tuple[str, ...]
    impact: EstimateDoc | None = Field(
        description="Journeys a year that would end otherwise if every bad visit went well."
    )
    asymmetry: EstimateDoc | None = Field(
        description="Loss of a bad visit over gain of a good one, where a neutral one is declared."
    )
    response_rate: float | None = Field(description="Share of requests answered; null for events.")
    bounds: EstimateDoc | None = Field(
        description="Difference among all who were asked, whatever the silent would have said."
    )


class HandoffItemDoc(_Part):
    """One item of the hand-off audit beside its limit."""

    name: str
    limit: float
    fails: Literal["above", "below"]
    harm: int = Field(description="3: left without help; 2: work again; 1: waiting.")
    state: Literal["holds", "fails", "open", "not_measurable"]


class PresenceDoc(_Part):
    """One touchpoint × outcome: what goes with having come there at all."""

    touchpoint: str
    outcome: str
    hazard_ratio: EstimateDoc = Field(
        description="Hazard of the outcome after a first visit over that without one so far."
    )
    landmark: EstimateDoc = Field(
        description="The same among those still there on one day, by what they had visited then."
    )
    landmark_day: float
    q_value: float | None
    reasons: tuple[str, ...]


class QueueTimeDoc(_Part):
    """When to hand over to a team that the hand-overs themselves keep busy."""

    minutes: float | Literal["never", "at once"]
    settled: float = Field(description="Share of resamples with the same kind of answer.")
    staff: int
    wait_seconds: EstimateDoc
    gives_up: EstimateDoc
    wait_at_once: EstimateDoc = Field(description="If every session went to a person at once.")
    cost: EstimateDoc


class HandoffsDoc(_Part):
    """The hand-off audit; sessions = contained + handed_over + abandoned + open."""

    abstain: AbstainReason | None
    sessions: int
    contained: int
    handed_over: int
    abandoned: int
    open: int
    contained_raw: EstimateDoc
    contained_verified: EstimateDoc
    waterfall: tuple[dict[str, Any], ...]
    wait_seconds: EstimateDoc
    requests: int
    requests_honoured: EstimateDoc
    ping_pong: EstimateDoc
    dead_ends: tuple[str, ...]
    actor_changes: tuple[dict[str, Any], ...]
    further: dict[str, EstimateDoc]
    items: tuple[HandoffItemDoc, ...]
    worst: str | None = Field(description="The failing item that harms most; null if none fails.")


class HandoffTimeDoc(_Part):
    """The hand-off time at which a session is expected to cost least."""

    minutes: float | Literal["never", "at once"]
    flat_region: tuple[float, float | None] = Field(
        description="Hand-off times that cost at most 2 % more; null is without end."
    )
    cost: EstimateDoc
    cost_at_once: EstimateDoc
    cost_never: EstimateDoc
    regret: EstimateDoc = Field(description="Cost of acting on this time beyond the best one.")
    settled: float = Field(description="Share of resamples with the same kind of answer.")


class TippingPointDoc(_Part):
    """Whether, and when, a bot session turns sour."""

    segment: str
    answer: Literal["tipping_point", "rises", "falls", "none", "abstain"]
    minutes: float | None
    minutes_lo: float | None
    minutes_hi: float | None
    clock: Literal["minutes", "turns"] = Field(
        description="What 'minutes' counts: turns of the session in a log without a clock."
    )
    handoff_time: HandoffTimeDoc | None
    handoff_reason: str | None = Field(description="Why there is no hand-off time.")
    before: float | None = Field(description="Frustrated exits a minute at risk before the step.")
    after: float | None
    p_value: float | None = Field(
        description="Of a step, sessions of one customer not counted as independent."
    )
    q_value: float | None = Field(description="The same, over the segments looked at.")
    pooled: float | None = Field(
        description="'minutes' drawn towards the other segments by as much as it is noise."
    )
    sessions: int
    events: int
    reasons: tuple[str, ...]


class SatisfactionDoc(_Part):
    """Whether, and when, satisfaction of resolved sessions begins to fall faster."""

    answer: Literal["breaks", "bends_gradually", "none", "abstain"]
    at: EstimateDoc
    slope_before: float | None
    slope_after: float | None
    rated: int
    resolved: int
    reasons: tuple[str, ...]


class PeakEndDoc(_Part):
    """Which moments of a conversation its rating goes with."""

    weights: dict[str, EstimateDoc]
    r_mean: float | None
    r_end: float | None
    r_fitted: float | None
    gain: EstimateDoc = Field(description="What the fitted weights explain beyond the plain mean.")
    beats_mean: bool


class SurveyDoc(_Part):
    """What one survey says, and what its silence leaves open."""

    kind: str
    asked: int
    answered: int
    response_rate: EstimateDoc
    mean: EstimateDoc = Field(
        description="Mean of those who answered; lo and hi are the bounds that the silent leave."
    )
    adjusted: EstimateDoc = Field(
        description="Mean of all who were asked, as far as what was known then explains who "
        "answers."
    )
    worst: float
    best: float
    scale_assumed: bool


class SensitivityDoc(_Part):
    """What another weighting would say of one touchpoint."""

    touchpoint: str
    weighting: str
    automation_fit: float
    empathy_need: float
    verdict: Verdict
    changed: bool


class ParadoxDoc(_Part):
    """One of the six paradoxes."""

    name: str
    state: Literal["active", "benefit_only", "cost_only", "none", "not_measurable"]
    benefit: EstimateDoc
    cost: EstimateDoc
    beside: dict[str, EstimateDoc] = Field(
        description="Figures that explain a side and decide no state."
    )


class StepDoc(_Part):
    """One step of a story, in the journeys that equal it."""

    touchpoint: str
    channel: str | None = Field(description="The most frequent.")
    seconds_to_next: float | None = Field(description="Median time to the start of the next.")
    feeling: float | None = Field(
        description="Mean feeling at the touchpoint over all journeys, -1 to 1."
    )


class StoryEndDoc(_Part):
    """How journeys near to a story end; ends of too few customers are left out."""

    end: Literal["goal", "bad_end", "other", "open"]
    journeys: int
    customers: int
    share: float


class StoryDoc(_Part):
    """A real journey that at least the minimum number of customers lived word for word."""

    touchpoints: tuple[str, ...]
    journeys: int
    customers: int
    share: float = Field(description="Of all journeys (of the segment): those that it tells.")
    steps: tuple[StepDoc, ...] = Field(description="Empty where the log cannot tell stories.")
    ends: tuple[StoryEndDoc, ...]


class ToldDoc(_Part):
    """The few journeys of which the many others are variations."""

    answer: Literal["found", "cannot tell"]
    reason: str
    coverage: float = Field(description="Share of journeys near to some story.")
    stories: tuple[StoryDoc, ...]


class SegmentStoriesDoc(ToldDoc):
    """The stories of one segment."""

    segment: str


class StoriesDoc(ToldDoc):
    """The stories of all journeys, and of each segment apart."""

    segments: tuple[SegmentStoriesDoc, ...] = Field(
        description="Empty where no segment is declared; segments of too few customers are out."
    )


class EndDoc(_Part):
    """How the journeys that came by a touchpoint end, as counted."""

    touchpoint: str = Field(description="(start) stands for all journeys.")
    end: Literal["goal", "bad_end", "other", "open"] = Field(
        description="Ends of too few customers are left out."
    )
    share: EstimateDoc


class ChainDoc(_Part):
    """What the absorbing chain foresees at one touchpoint; see docs/methods.md."""

    touchpoint: str = Field(description="(start): the journey as a whole; (other): the rarest.")
    visited: EstimateDoc
    visits: EstimateDoc
    steps_to_end: EstimateDoc
    p_goal: EstimateDoc
    p_bad_end: EstimateDoc
    p_other: EstimateDoc
    p_open: EstimateDoc
    removal_effect: EstimateDoc = Field(
        description="Share of goals reached through here: connectivity, not a cause."
    )


class NoReturnDoc(_Part):
    """A touchpoint after which what follows hardly changes whether the goal is reached."""

    touchpoint: str
    towards: Literal["goal", "no goal"]
    p_goal: EstimateDoc
    visited: float


class MemoryDoc(_Part):
    """Whether the chain's one step of memory is enough."""

    order: int
    steps: int
    text: str
    losses: tuple[dict[str, float | int | bool | None], ...]


class LedgerDoc(_Part):
    """What a smaller map shows of one kind of thing; shown + folded + suppressed = total."""

    what: Literal["touchpoints", "events", "visits", "moves", "journeys"]
    shown: int
    folded: int
    suppressed: int
    total: int


class SmallerMapDoc(_Part):
    """The journey graph with a part of its touchpoints and transitions."""

    kept: float = Field(description="Share of touchpoints and of transitions kept.")
    share: float = Field(description="Of all journeys: those that run only through what is shown.")
    ledger: tuple[LedgerDoc, ...]


class StructureDoc(_Part):
    """What the journey graph says of the log as a whole."""

    ends: tuple[EndDoc, ...]
    chain: tuple[ChainDoc, ...]
    points_of_no_return: tuple[NoReturnDoc, ...]
    memory: MemoryDoc
    maps: tuple[SmallerMapDoc, ...]
    suppressed: int = Field(description="Touchpoints left out for having too few customers.")


class PlanDoc(_Part):
    """Journeys that are over beside the plan."""

    journeys: int
    planned: tuple[str, ...] = Field(description="The steps, in the planned order.")
    optional: tuple[str, ...] = Field(description="Those of them that may be left out.")
    customers: int
    open_journeys: int = Field(description="Left out: what they still miss they may yet do.")
    conforming: EstimateDoc
    fitness: EstimateDoc
    never_seen: tuple[str, ...]
    steps: tuple[dict[str, Any], ...]
    insertions: tuple[dict[str, Any], ...] = Field(
        description="What came in or came again, and after which planned touchpoint."
    )
    outcomes: tuple[dict[str, Any], ...] = Field(
        description="How journeys end that follow the plan, and that do not."
    )


class DetectorDoc(_Part):
    """What one detector of texts is worth on turns that people have labelled."""

    detector: Literal["human_request", "repetition", "negative"]
    n: int = Field(description="Labelled turns that it could judge.")
    precision: EstimateDoc
    recall: EstimateDoc
    kappa: EstimateDoc
    prevalence: EstimateDoc = Field(description="Share of the log's customer texts it fires in.")
    corrected: EstimateDoc = Field(description="The same without its mistakes (Rogan, Gladen).")


class RatedDoc(_Part):
    """What people say of one touchpoint, beside its verdict."""

    touchpoint: str
    raters: int
    human_agency: float | None = Field(description="Median, 1 machine alone to 5 human essential.")
    epoch: float | None = Field(description="Mean of the five ratings, 0 to 4.")
    log_level: float | None = Field(description="What the verdict stands for, 1 to 5.")
    difference: float | None = Field(description="People minus log.")
    flagged: bool = Field(description="At least one level apart.")


class RaterGroupsDoc(_Part):
    """How far two groups of raters agree."""

    group: str
    other: str
    touchpoints: int
    kappa: EstimateDoc
    more: float | None = Field(description="Share for which group wants more human than other.")
    less: float | None


class RatingsDoc(_Part):
    """People's own ratings: beside the log's evidence, in none of its scores."""

    touchpoints: tuple[RatedDoc, ...]
    groups: tuple[RaterGroupsDoc, ...]
    agreement: EstimateDoc = Field(description="Krippendorff's alpha of human_agency, ordinal.")


class CandidateDoc(_Part):
    """A touchpoint that a machine might take over, and what that is assumed to be worth."""

    touchpoint: str
    stage: str | None
    verdict: Verdict
    value: EstimateDoc = Field(description="Money per week.")
    lower_quartile: float | None = Field(description="Of the value: this is what is maximised.")
    build: float
    chosen: bool
    selection_frequency: float | None = Field(description="Share of resamples; null: may not be.")
    source: str = Field(description="Where the share that a bot settles comes from.")
    why_not: str | None


class PortfolioDoc(_Part):
    """The first automations under a budget."""

    answer: Literal["settled", "not_settled", "none"]
    chosen: tuple[str, ...]
    worth: EstimateDoc
    worst_tenth: float | None = Field(description="Mean worth in the worst tenth of resamples.")
    counted_twice: float | None = Field(description="At most so much of the sum is doubled.")
    cost: float
    budget: float
    currency: str
    candidates: tuple[CandidateDoc, ...]


class FindingDoc(_Part):
    """One sentence that a reader should know, or a gate and whether it held."""

    id: str
    kind: Literal["gate", "insight", "quality"]
    severity: Literal["info", "low", "medium", "high"]
    verdict: Literal["pass", "fail", "not_assessable"]
    text: str
    evidence: dict[str, Any]


class ComparisonDoc(_Part):
    """What this run was compared with."""

    previous: str | None = Field(description="Run id of the run before, by as-of day.")
    note: str = Field(description="What was compared, or why nothing could be.")
    period: tuple[str, str] | None = Field(description="First and last day of the last period.")
    references: int = Field(description="Earlier periods it is compared with, at most.")
    compared: int = Field(description="Streams that were compared.")
    definitions: dict[str, str] = Field(description="Fingerprints of what numbers rest on.")
    standing: dict[str, str] = Field(
        description="Touchpoint to the verdict that stands: the last one that was sure."
    )


class DifferenceDoc(_Part):
    """After against before, with its interval."""

    value: float | None
    lo: float | None
    hi: float | None
    unit: str


class ChangeDoc(_Part):
    """One thing that is not as it was."""

    id: str
    kind: Literal["data_quality", "definition", "mix", "performance"]
    what: str
    text: str
    significant: bool = Field(description="False: a verdict that wavers, but stands.")
    touchpoint: str | None
    measure: str | None
    before: float | str | None
    after: float | str | None
    unit: str | None
    difference: DifferenceDoc | None
    n_before: int | None
    n_after: int | None
    customers: int | None
    q_value: float | None
    direction: Literal["worse", "better"] | None = Field(
        description="Null where that depends on what one wants."
    )


class AuditDocument(_Part):
    """The result of one audit run."""

    schema_version: Literal["1"]
    audit: AuditDoc
    log: LogDoc
    mapping: MappingDoc | None = Field(description="None where the names of the log were kept.")
    linkage: LinkageDoc | None = Field(description="None where none was asked for.")
    stitching: StitchingDoc | None = Field(description="None where none was asked for.")
    cut_sensitivity: tuple[CutSensitivityDoc, ...] = Field(
        description="Half, once and twice the gap; boundaries from .3, .5 and .7; or what cuts "
        "without the case id. Empty where the log knows no customer but the case."
    )
    touchpoints: tuple[TouchpointDoc, ...]
    axes: dict[str, Any]
    transitions: tuple[TransitionDoc, ...]
    flow: dict[str, EstimateDoc]
    structure: StructureDoc | None = Field(
        description="Null where too many events have no touchpoint for their order to say anything."
    )
    stories: StoriesDoc
    plan: PlanDoc | None = Field(description="Null where no plan is declared.")
    moments_of_truth: tuple[MomentDoc, ...]
    presence: tuple[PresenceDoc, ...] = Field(
        description="Another estimand than that of the moments; empty without outcomes or a clock."
    )
    handoffs: HandoffsDoc
    tipping_points: tuple[TippingPointDoc, ...]
    queue_time: QueueTimeDoc | None
    queue_reason: str | None = Field(description="Why there is no hand-off time with the queue.")
    satisfaction: SatisfactionDoc | None
    peak_end: PeakEndDoc | None
    surveys: tuple[SurveyDoc, ...]
    sensitivity: tuple[SensitivityDoc, ...]
    paradoxes: tuple[ParadoxDoc, ...]
    disclosure: dict[str, Any] | None = Field(
        description="Whether customers were told that they talk to a machine, when, and in which "
        "words of the bots."
    )
    detectors: tuple[DetectorDoc, ...] = Field(
        description="Empty where no labelled turns are declared."
    )
    ratings: RatingsDoc | None = Field(description="Null where no ratings are declared.")
    portfolio: PortfolioDoc | None = Field(description="Null where no budget is declared.")
    findings: tuple[FindingDoc, ...]
    comparison: ComparisonDoc
    changes: tuple[ChangeDoc, ...] = Field(description="Significant ones first, then by kind.")


def document_schema() -> dict[str, Any]:
    """Return the JSON Schema of `audit.json`."""
    schema = AuditDocument.model_json_schema(mode="serialization")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "journeylib audit.json"
    return schema
