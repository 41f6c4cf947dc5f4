"""The content of `audit.json`: its shape, and how a run fills it."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from journeylib.audits.document.described import Described
from journeylib.core import AbstainReason, Grade

SCHEMA_VERSION = "1"
Cut = Literal["case", "gap", "goal", "learned", "customer"]
Verdict = Literal["automate", "assist", "human_led", "human_only", "fix_first", "abstain"]


class EstimateDoc(Described):
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
    """A measure of one touchpoint.

    Attributes
    ----------
    source
        Of what customers say: the column, who read it, and whether labelled turns correct it; else
        empty.
    """

    source: str


class AuditDoc(Described):
    """Which run this is.

    Attributes
    ----------
    period
        First and last day of the log, UTC.
    """

    name: str
    title: str
    run_id: str
    period: tuple[str, str] | None
    as_of: dt.date
    config_hash: str
    log_hash: str


class QualityDoc(Described):
    """One check of the log."""

    check: str
    role: str
    severity: Literal["ok", "note", "warning", "blocking"]
    rows: int
    share: float
    text: str


class MappingDoc(Described):
    """The company's table of touchpoints, and how much of the log it covers.

    Attributes
    ----------
    hash
        sha256 of its rows: the version that the results rest on.
    """

    hash: str
    rules: int
    unused_rules: int
    unmapped_events: int
    unmapped_share: float


class ChannelGapDoc(Described):
    """The silence that ends a journey after an event of one channel.

    Attributes
    ----------
    channel
        Empty: no channel, or one with too few gaps or customers.
    reason
        Why it is assumed.
    """

    channel: str
    gap_days: float
    answer: Literal["declared", "found", "assumed"]
    reason: str


class CuttingDoc(Described):
    """How journeys were cut, and how sure that is.

    Attributes
    ----------
    definition
        What a journey is, in words.
    confidence
        Mean probability of the boundaries drawn.
    doubtful
        Share of pairs of events neither cut nor joined.
    channels
        Empty where all have the same gap.
    """

    answer: Literal["declared", "found", "assumed"]
    definition: str
    gap_days: float | None
    confidence: float | None
    doubtful: float | None
    learned_customers: int | None
    channels: tuple[ChannelGapDoc, ...]


class VerdictChangeDoc(Described):
    """A verdict that another choice would change.

    Attributes
    ----------
    verdict
        None: then too few customers to be shown.
    instead_of
        The verdict of this audit.
    """

    touchpoint: str
    verdict: Verdict | None
    instead_of: Verdict


class KeyResultsDoc(Described):
    """What a choice made before measuring may change.

    Attributes
    ----------
    verdicts_compared
        Touchpoints at which somebody serves; null where verdicts are not compared.
    """

    journeys: int
    customers: int
    steps_per_journey: float | None
    repeat_contact: float | None
    contained_raw: float | None
    contained_verified: float | None
    contained_verified_hi: float | None
    verdicts_compared: int | None
    verdicts_changed: int | None
    changes: tuple[VerdictChangeDoc, ...]


class CutSensitivityDoc(KeyResultsDoc):
    """Key results with another cut.

    Attributes
    ----------
    factor
        Of the gap, where silence cuts.
    threshold
        Of a boundary's probability, where learned.
    chosen
        The audit's own cut.
    """

    cut: Cut
    factor: float | None
    gap_days: float | None
    threshold: float | None
    chosen: bool


class LinkageLevelDoc(KeyResultsDoc):
    """Key results with and without linkage."""

    linked: bool


class LinkageDoc(Described):
    """How customers whose identifiers are alike were joined.

    Attributes
    ----------
    threshold
        Probability from which two customers are one person.
    people
        Persons joined from several customers.
    moved_share
        Share of events whose customer is another now.
    confidence
        Mean probability of the links drawn.
    least
        Probability of the least sure person.
    """

    threshold: float
    customers_before: int
    customers: int
    people: int
    moved_share: float
    confidence: float | None
    least: float | None
    levels: tuple[LinkageLevelDoc, ...]


class StitchingLevelDoc(KeyResultsDoc):
    """Key results at another level of stitching."""

    level: Literal["strict", "default", "loose"]


class IdentifiersDoc(Described):
    """One kind of identifier.

    Attributes
    ----------
    shared
        Left out: linked to too many accounts.
    """

    kind: str
    identifiers: int
    shared: int
    events: int
    shared_events: int


class StitchingDoc(Described):
    """How events of one person were found under several identifiers.

    Attributes
    ----------
    large_size
        99.9th percentile of identifiers per person.
    """

    level: Literal["strict", "default", "loose"]
    customers_before: int
    customers: int
    moved_events: int
    unidentified_events: int
    large_size: int
    large_people: int
    largest: int
    kinds: tuple[IdentifiersDoc, ...]
    levels: tuple[StitchingLevelDoc, ...]


class LogDoc(Described):
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


class TouchpointDoc(Described):
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


class TransitionDoc(Described):
    """One directly-follows transition."""

    source: str
    target: str
    events: int
    journeys: int
    customers: int
    median_seconds: float | None


class MomentDoc(Described):
    """One touchpoint × outcome: does a good visit here go with a better outcome.

    Attributes
    ----------
    q_value
        Benjamini–Hochberg, over all pairs tested.
    q_value_dependent
        Benjamini–Yekutieli: holds however the tests depend on each other.
    shrunken
        The effect less its noise, for ranking.
    e_value
        How strong a hidden cause must be to explain the interval's limit.
    impact
        Journeys a year that would end otherwise if every bad visit went well.
    asymmetry
        Loss of a bad visit over gain of a good one, where a neutral one is declared.
    response_rate
        Share of requests answered; null for events.
    bounds
        Difference among all who were asked, whatever the silent would have said.
    """

    touchpoint: str
    outcome: str
    effect: EstimateDoc
    naive: float | None
    adjusted: float | None
    q_value: float | None
    q_value_dependent: float | None
    shrunken: float | None
    e_value: float | None
    is_moment: bool
    grade: Grade
    reasons: tuple[str, ...]
    impact: EstimateDoc | None
    asymmetry: EstimateDoc | None
    response_rate: float | None
    bounds: EstimateDoc | None


class HandoffItemDoc(Described):
    """One item of the hand-off audit beside its limit.

    Attributes
    ----------
    harm
        3: left without help; 2: work again; 1: waiting.
    """

    name: str
    limit: float
    fails: Literal["above", "below"]
    harm: int
    state: Literal["holds", "fails", "open", "not_measurable"]


class PresenceDoc(Described):
    """One touchpoint × outcome: what goes with having come there at all.

    Attributes
    ----------
    hazard_ratio
        Hazard of the outcome after a first visit over that without one so far.
    landmark
        The same among those still there on one day, by what they had visited then.
    """

    touchpoint: str
    outcome: str
    hazard_ratio: EstimateDoc
    landmark: EstimateDoc
    landmark_day: float
    q_value: float | None
    reasons: tuple[str, ...]


class QueueTimeDoc(Described):
    """When to hand over to a team that the hand-overs themselves keep busy.

    Attributes
    ----------
    settled
        Share of resamples with the same kind of answer.
    wait_at_once
        If every session went to a person at once.
    """

    minutes: float | Literal["never", "at once"]
    settled: float
    staff: int
    wait_seconds: EstimateDoc
    gives_up: EstimateDoc
    wait_at_once: EstimateDoc
    cost: EstimateDoc


class HandoffsDoc(Described):
    """The hand-off audit; sessions = contained + handed_over + abandoned + open.

    Attributes
    ----------
    worst
        The failing item that harms most; null if none fails.
    """

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
    worst: str | None


class HandoffTimeDoc(Described):
    """The hand-off time at which a session is expected to cost least.

    Attributes
    ----------
    flat_region
        Hand-off times that cost at most 2 % more; null is without end.
    regret
        Cost of acting on this time beyond the best one.
    settled
        Share of resamples with the same kind of answer.
    """

    minutes: float | Literal["never", "at once"]
    flat_region: tuple[float, float | None]
    cost: EstimateDoc
    cost_at_once: EstimateDoc
    cost_never: EstimateDoc
    regret: EstimateDoc
    settled: float


class TippingPointDoc(Described):
    """Whether, and when, a bot session turns sour.

    Attributes
    ----------
    clock
        What 'minutes' counts: turns of the session in a log without a clock.
    handoff_reason
        Why there is no hand-off time.
    before
        Frustrated exits a minute at risk before the step.
    p_value
        Of a step, sessions of one customer not counted as independent.
    q_value
        The same, over the segments looked at.
    pooled
        'minutes' drawn towards the other segments by as much as it is noise.
    """

    segment: str
    answer: Literal["tipping_point", "rises", "falls", "none", "abstain"]
    minutes: float | None
    minutes_lo: float | None
    minutes_hi: float | None
    clock: Literal["minutes", "turns"]
    handoff_time: HandoffTimeDoc | None
    handoff_reason: str | None
    before: float | None
    after: float | None
    p_value: float | None
    q_value: float | None
    pooled: float | None
    sessions: int
    events: int
    reasons: tuple[str, ...]


class SatisfactionDoc(Described):
    """Whether, and when, satisfaction of resolved sessions begins to fall faster."""

    answer: Literal["breaks", "bends_gradually", "none", "abstain"]
    at: EstimateDoc
    slope_before: float | None
    slope_after: float | None
    rated: int
    resolved: int
    reasons: tuple[str, ...]


class PeakEndDoc(Described):
    """Which moments of a conversation its rating goes with.

    Attributes
    ----------
    gain
        What the fitted weights explain beyond the plain mean.
    """

    weights: dict[str, EstimateDoc]
    r_mean: float | None
    r_end: float | None
    r_fitted: float | None
    gain: EstimateDoc
    beats_mean: bool


class SurveyDoc(Described):
    """What one survey says, and what its silence leaves open.

    Attributes
    ----------
    mean
        Mean of those who answered; lo and hi are the bounds that the silent leave.
    adjusted
        Mean of all who were asked, as far as what was known then explains who answers.
    """

    kind: str
    asked: int
    answered: int
    response_rate: EstimateDoc
    mean: EstimateDoc
    adjusted: EstimateDoc
    worst: float
    best: float
    scale_assumed: bool


class SensitivityDoc(Described):
    """What another weighting would say of one touchpoint."""

    touchpoint: str
    weighting: str
    automation_fit: float
    empathy_need: float
    verdict: Verdict
    changed: bool


class ParadoxDoc(Described):
    """One of the six paradoxes.

    Attributes
    ----------
    beside
        Figures that explain a side and decide no state.
    """

    name: str
    state: Literal["active", "benefit_only", "cost_only", "none", "not_measurable"]
    benefit: EstimateDoc
    cost: EstimateDoc
    beside: dict[str, EstimateDoc]


class StepDoc(Described):
    """One step of a story, in the journeys that equal it.

    Attributes
    ----------
    channel
        The most frequent.
    seconds_to_next
        Median time to the start of the next.
    feeling
        Mean feeling at the touchpoint over all journeys, -1 to 1.
    """

    touchpoint: str
    channel: str | None
    seconds_to_next: float | None
    feeling: float | None


class StoryEndDoc(Described):
    """How journeys near to a story end; ends of too few customers are left out."""

    end: Literal["goal", "bad_end", "other", "open"]
    journeys: int
    customers: int
    share: float


class StoryDoc(Described):
    """A real journey that at least the minimum number of customers lived word for word.

    Attributes
    ----------
    share
        Of all journeys (of the segment): those that it tells.
    steps
        Empty where the log cannot tell stories.
    """

    touchpoints: tuple[str, ...]
    journeys: int
    customers: int
    share: float
    steps: tuple[StepDoc, ...]
    ends: tuple[StoryEndDoc, ...]


class ToldDoc(Described):
    """The few journeys of which the many others are variations.

    Attributes
    ----------
    coverage
        Share of journeys near to some story.
    """

    answer: Literal["found", "cannot tell"]
    reason: str
    coverage: float
    stories: tuple[StoryDoc, ...]


class SegmentStoriesDoc(ToldDoc):
    """The stories of one segment."""

    segment: str


class StoriesDoc(ToldDoc):
    """The stories of all journeys, and of each segment apart.

    Attributes
    ----------
    segments
        Empty where no segment is declared; segments of too few customers are out.
    """

    segments: tuple[SegmentStoriesDoc, ...]


class EndDoc(Described):
    """How the journeys that came by a touchpoint end, as counted.

    Attributes
    ----------
    touchpoint
        (start) stands for all journeys.
    end
        Ends of too few customers are left out.
    """

    touchpoint: str
    end: Literal["goal", "bad_end", "other", "open"]
    share: EstimateDoc


class ChainDoc(Described):
    """What the absorbing chain foresees at one touchpoint; see docs/methods.md.

    Attributes
    ----------
    touchpoint
        (start): the journey as a whole; (other): the rarest.
    removal_effect
        Share of goals reached through here: connectivity, not a cause.
    """

    touchpoint: str
    visited: EstimateDoc
    visits: EstimateDoc
    steps_to_end: EstimateDoc
    p_goal: EstimateDoc
    p_bad_end: EstimateDoc
    p_other: EstimateDoc
    p_open: EstimateDoc
    removal_effect: EstimateDoc


class NoReturnDoc(Described):
    """A touchpoint after which what follows hardly changes whether the goal is reached."""

    touchpoint: str
    towards: Literal["goal", "no goal"]
    p_goal: EstimateDoc
    visited: float


class MemoryDoc(Described):
    """Whether the chain's one step of memory is enough."""

    order: int
    steps: int
    text: str
    losses: tuple[dict[str, float | int | bool | None], ...]


class LedgerDoc(Described):
    """What a smaller map shows of one kind of thing; shown + folded + suppressed = total."""

    what: Literal["touchpoints", "events", "visits", "moves", "journeys"]
    shown: int
    folded: int
    suppressed: int
    total: int


class SmallerMapDoc(Described):
    """The journey graph with a part of its touchpoints and transitions.

    Attributes
    ----------
    kept
        Share of touchpoints and of transitions kept.
    share
        Of all journeys: those that run only through what is shown.
    """

    kept: float
    share: float
    ledger: tuple[LedgerDoc, ...]


class StructureDoc(Described):
    """What the journey graph says of the log as a whole.

    Attributes
    ----------
    suppressed
        Touchpoints left out for having too few customers.
    """

    ends: tuple[EndDoc, ...]
    chain: tuple[ChainDoc, ...]
    points_of_no_return: tuple[NoReturnDoc, ...]
    memory: MemoryDoc
    maps: tuple[SmallerMapDoc, ...]
    suppressed: int


class PlanDoc(Described):
    """Journeys that are over beside the plan.

    Attributes
    ----------
    planned
        The steps, in the planned order.
    optional
        Those of them that may be left out.
    open_journeys
        Left out: what they still miss they may yet do.
    insertions
        What came in or came again, and after which planned touchpoint.
    outcomes
        How journeys end that follow the plan, and that do not.
    """

    journeys: int
    planned: tuple[str, ...]
    optional: tuple[str, ...]
    customers: int
    open_journeys: int
    conforming: EstimateDoc
    fitness: EstimateDoc
    never_seen: tuple[str, ...]
    steps: tuple[dict[str, Any], ...]
    insertions: tuple[dict[str, Any], ...]
    outcomes: tuple[dict[str, Any], ...]


class DetectorDoc(Described):
    """What one detector of texts is worth on turns that people have labelled.

    Attributes
    ----------
    n
        Labelled turns that it could judge.
    prevalence
        Share of the log's customer texts it fires in.
    corrected
        The same without its mistakes (Rogan, Gladen).
    """

    detector: Literal["human_request", "repetition", "negative"]
    n: int
    precision: EstimateDoc
    recall: EstimateDoc
    kappa: EstimateDoc
    prevalence: EstimateDoc
    corrected: EstimateDoc


class RatedDoc(Described):
    """What people say of one touchpoint, beside its verdict.

    Attributes
    ----------
    human_agency
        Median, 1 machine alone to 5 human essential.
    epoch
        Mean of the five ratings, 0 to 4.
    log_level
        What the verdict stands for, 1 to 5.
    difference
        People minus log.
    flagged
        At least one level apart.
    """

    touchpoint: str
    raters: int
    human_agency: float | None
    epoch: float | None
    log_level: float | None
    difference: float | None
    flagged: bool


class RaterGroupsDoc(Described):
    """How far two groups of raters agree.

    Attributes
    ----------
    more
        Share for which group wants more human than other.
    """

    group: str
    other: str
    touchpoints: int
    kappa: EstimateDoc
    more: float | None
    less: float | None


class RatingsDoc(Described):
    """People's own ratings: beside the log's evidence, in none of its scores.

    Attributes
    ----------
    agreement
        Krippendorff's alpha of human_agency, ordinal.
    """

    touchpoints: tuple[RatedDoc, ...]
    groups: tuple[RaterGroupsDoc, ...]
    agreement: EstimateDoc


class CandidateDoc(Described):
    """A touchpoint that a machine might take over, and what that is assumed to be worth.

    Attributes
    ----------
    value
        Money per week.
    lower_quartile
        Of the value: this is what is maximised.
    selection_frequency
        Share of resamples; null: may not be.
    source
        Where the share that a bot settles comes from.
    """

    touchpoint: str
    stage: str | None
    verdict: Verdict
    value: EstimateDoc
    lower_quartile: float | None
    build: float
    chosen: bool
    selection_frequency: float | None
    source: str
    why_not: str | None


class PortfolioDoc(Described):
    """The first automations under a budget.

    Attributes
    ----------
    worst_tenth
        Mean worth in the worst tenth of resamples.
    counted_twice
        At most so much of the sum is doubled.
    """

    answer: Literal["settled", "not_settled", "none"]
    chosen: tuple[str, ...]
    worth: EstimateDoc
    worst_tenth: float | None
    counted_twice: float | None
    cost: float
    budget: float
    currency: str
    candidates: tuple[CandidateDoc, ...]


class FindingDoc(Described):
    """One sentence that a reader should know, or a gate and whether it held."""

    id: str
    kind: Literal["gate", "insight", "quality"]
    severity: Literal["info", "low", "medium", "high"]
    verdict: Literal["pass", "fail", "not_assessable"]
    text: str
    evidence: dict[str, Any]


class ComparisonDoc(Described):
    """What this run was compared with.

    Attributes
    ----------
    previous
        Run id of the run before, by as-of day.
    note
        What was compared, or why nothing could be.
    period
        First and last day of the last period.
    references
        Earlier periods it is compared with, at most.
    compared
        Streams that were compared.
    definitions
        Fingerprints of what numbers rest on.
    standing
        Touchpoint to the verdict that stands: the last one that was sure.
    """

    previous: str | None
    note: str
    period: tuple[str, str] | None
    references: int
    compared: int
    definitions: dict[str, str]
    standing: dict[str, str]


class DifferenceDoc(Described):
    """After against before, with its interval."""

    value: float | None
    lo: float | None
    hi: float | None
    unit: str


class ChangeDoc(Described):
    """One thing that is not as it was.

    Attributes
    ----------
    significant
        False: a verdict that wavers, but stands.
    direction
        Null where that depends on what one wants.
    """

    id: str
    kind: Literal["data_quality", "definition", "mix", "performance"]
    what: str
    text: str
    significant: bool
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
    direction: Literal["worse", "better"] | None


class AuditDocument(Described):
    """The result of one audit run.

    Attributes
    ----------
    mapping
        None where the names of the log were kept.
    linkage
        None where none was asked for.
    stitching
        None where none was asked for.
    cut_sensitivity
        Half, once and twice the gap; boundaries from .3, .5 and .7; or what cuts without the case
        id. Empty where the log knows no customer but the case.
    structure
        Null where too many events have no touchpoint for their order to say anything.
    plan
        Null where no plan is declared.
    presence
        Another estimand than that of the moments; empty without outcomes or a clock.
    queue_reason
        Why there is no hand-off time with the queue.
    disclosure
        Whether customers were told that they talk to a machine, when, and in which words of the
        bots.
    detectors
        Empty where no labelled turns are declared.
    ratings
        Null where no ratings are declared.
    portfolio
        Null where no budget is declared.
    changes
        Significant ones first, then by kind.
    """

    schema_version: Literal["1"]
    audit: AuditDoc
    log: LogDoc
    mapping: MappingDoc | None
    linkage: LinkageDoc | None
    stitching: StitchingDoc | None
    cut_sensitivity: tuple[CutSensitivityDoc, ...]
    touchpoints: tuple[TouchpointDoc, ...]
    axes: dict[str, Any]
    transitions: tuple[TransitionDoc, ...]
    flow: dict[str, EstimateDoc]
    structure: StructureDoc | None
    stories: StoriesDoc
    plan: PlanDoc | None
    moments_of_truth: tuple[MomentDoc, ...]
    presence: tuple[PresenceDoc, ...]
    handoffs: HandoffsDoc
    tipping_points: tuple[TippingPointDoc, ...]
    queue_time: QueueTimeDoc | None
    queue_reason: str | None
    satisfaction: SatisfactionDoc | None
    peak_end: PeakEndDoc | None
    surveys: tuple[SurveyDoc, ...]
    sensitivity: tuple[SensitivityDoc, ...]
    paradoxes: tuple[ParadoxDoc, ...]
    disclosure: dict[str, Any] | None
    detectors: tuple[DetectorDoc, ...]
    ratings: RatingsDoc | None
    portfolio: PortfolioDoc | None
    findings: tuple[FindingDoc, ...]
    comparison: ComparisonDoc
    changes: tuple[ChangeDoc, ...]


def document_schema() -> dict[str, Any]:
    """Return the JSON Schema of `audit.json`."""
    schema = AuditDocument.model_json_schema(mode="serialization")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "journeylib audit.json"
    return schema
