"""Service types from words: worked by hand, on published questions, and on planted ones."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn.metrics import roc_auc_score

from journeylib.core import LogError
from journeylib.journeys import rebuild
from journeylib.measures import (
    LEARN,
    MEASURE,
    MeasureSettings,
    ServiceTypeSettings,
    estimate_service_types,
    label_lists,
    openings,
)
from journeylib.measures.service_types.contact_types import rows_by_name
from journeylib.measures.service_types.matters import estimate_matters, topics
from journeylib.measures.service_types.openings import one_per_cluster
from journeylib.measures.service_types.shares import (
    CORRECTED,
    UNCORRECTED,
    Labelled,
    agreement,
    prediction_powered,
    share_estimate,
)
from journeylib.measures.texts.classifier import (
    OTHER,
    learn_matters,
    learn_types,
    sure_band,
    type_numbers,
)
from journeylib.measures.texts.language_reach import languages_of

NAMES = ("transactional", "emotional")
TYPES = ServiceTypeSettings(labels="labels.csv")
COLUMNS = "customer t_us touchpoint actor session text"
S = 1_000_000
ROUTINE = (
    "How do I {} my {}",
    "Where can I {} the {}",
    "Can I {} a new {} online",
    "I want to {} a {}",
)
TROUBLE = (
    "Somebody stole my {1}",
    "My {1} is gone and nobody helps me",
    "I am charged twice for my {1}",
    "You refuse to {0} my {1} again",
)
VERBS = ("order", "change", "cancel", "activate", "renew", "move", "check", "pay")
THINGS = (
    "card",
    "contract",
    "line",
    "router",
    "bill",
    "phone",
    "tariff",
    "account",
    "device",
    "password",
)


def planted(n: int, seed: int) -> pd.DataFrame:
    """Return openings with their true type: the form of the sentence tells it, mostly."""
    draw = np.random.default_rng(seed)
    emotional = draw.random(n) < 0.4
    told = np.where(draw.random(n) < 0.9, emotional, ~emotional)
    forms = [str(draw.choice(TROUBLE if trouble else ROUTINE)) for trouble in told]
    texts = [
        f"{form.format(draw.choice(VERBS), draw.choice(THINGS))} number {draw.integers(10_000)}"
        for form in forms
    ]
    return pd.DataFrame({"text": texts, "type": np.where(emotional, NAMES[1], NAMES[0])})


@pytest.fixture(scope="module")
def bank(shared_data: Path) -> dict[str, pd.DataFrame]:
    """Return 13,083 banking questions with their intents and types."""
    folder = shared_data / "banking77"
    types = pd.read_csv(folder / "types.csv").set_index("category")["type"]
    tables = {part: pd.read_csv(folder / f"{part}.csv.gz") for part in ("train", "test")}
    return {part: table.assign(type=table["category"].map(types)) for part, table in tables.items()}


def learned(rows: pd.DataFrame) -> Any:
    return learn_types(list(rows["text"]), list(rows["type"]), np.arange(len(rows)), NAMES)[0]


def conversations(
    questions: pd.DataFrame, tail: tuple[str, ...] = ("thanks",)
) -> list[tuple[Any, ...]]:
    """Return one bot session per question: greeting, question, answer, and what follows."""
    rows: list[tuple[Any, ...]] = []
    for i, text in enumerate(questions["text"]):
        at, where = i * 10_000 * S, (f"c{i % 900:04d}", f"s{i:05d}")
        turns = [
            ("bot", "Hello"),
            ("customer", text),
            ("bot", "Done."),
            *(("customer", t) for t in tail),
        ]
        rows += [
            (where[0], at + k * S, "Bot A" if i % 3 else "Bot B", actor, where[1], said)
            for k, (actor, said) in enumerate(turns)
        ]
    return rows


def labelled(lists: pd.DataFrame, questions: pd.DataFrame) -> pd.DataFrame:
    truth = dict(zip(questions["text"], questions["type"], strict=True))
    types = lists["opening"].map(truth)
    return lists.assign(type=types, second_type=types.where(lists["twice"], ""), matter="")


@pytest.fixture(scope="module")
def log(log_of: Any) -> tuple[pd.DataFrame, Any, pd.DataFrame]:
    """Return planted questions, the journeys of a log of them, and the lists to label."""
    questions = planted(1_200, 1)
    journeys = rebuild(log_of(*conversations(questions), columns=COLUMNS))
    return questions, journeys, label_lists(openings(journeys, MeasureSettings())).rows


# --- what is an opening ------------------------------------------------------------------------


def test_the_opening_is_what_the_customer_says_before_anybody_answers(log_of: Any) -> None:
    rows = [
        ("a", 0, "Bot", "bot", "s", "Hello"),
        ("a", S, "Bot", "customer", "s", "My  card"),
        ("a", 2 * S, "Bot", "customer", "s", "is gone"),
        ("a", 3 * S, "Bot", "bot", "s", "Which card?"),
        ("a", 4 * S, "Bot", "customer", "s", "the blue one"),
        ("b", 0, "Call", "human", "t", "Yes?"),
    ]
    found = openings(rebuild(log_of(*rows, columns=COLUMNS)), MeasureSettings())
    assert list(found["opening"]) == ["My card is gone"]


def test_an_opening_ends_after_a_thousand_letters(log_of: Any) -> None:
    log = log_of(("a", 0, "Bot", "customer", "s", "x" * 3_000), columns=COLUMNS)
    assert len(openings(rebuild(log), MeasureSettings())["opening"][0]) == 1_000


@pytest.mark.slow
def test_later_turns_change_no_type(log_of: Any, log: Any) -> None:
    questions, plain, lists = log
    tail = ("thanks", "this is awful, my money is stolen")
    longer = rebuild(log_of(*conversations(questions, tail), columns=COLUMNS))
    said, more = (openings(one, MeasureSettings()) for one in (plain, longer))
    assert list(said["contact"]) == list(more["contact"])
    told = [
        estimate_service_types(one, labelled(lists, questions), TYPES) for one in (plain, longer)
    ]
    assert told[0].answer == "estimated"
    assert told[0].shares == told[1].shares
    for name in NAMES:
        assert len(told[0].journeys_of[name]) == len(told[1].journeys_of[name]) > 0


@pytest.mark.slow
def test_the_order_of_rows_changes_nothing(log_of: Any, log: Any) -> None:
    questions, given, lists = log
    rows = conversations(questions)
    mixed = [rows[i] for i in np.random.default_rng(3).permutation(len(rows))]
    shuffled = rebuild(log_of(*mixed, columns=COLUMNS))
    labels = labelled(lists, questions)
    again = labels.sample(frac=1, random_state=4)
    one, other = (
        estimate_service_types(given, labels, TYPES),
        estimate_service_types(shuffled, again, TYPES),
    )
    assert one.shares == other.shares
    assert one.bots == other.bots


# --- which contacts are labelled ---------------------------------------------------------------


def test_no_customer_is_in_both_lists_or_twice_in_one(log: Any) -> None:
    _questions, journeys, lists = log
    contacts = openings(journeys, MeasureSettings())
    assert lists["list"].value_counts().to_dict() == {LEARN: 100, MEASURE: 100}
    assert lists["twice"].sum() == 50
    whose = contacts.drop_duplicates("contact").set_index("contact")["customer_no"]
    assert whose[lists["contact"]].is_unique


def test_a_log_of_few_customers_is_not_labelled(log_of: Any) -> None:
    contacts = openings(
        rebuild(log_of(*conversations(planted(50, 5)), columns=COLUMNS)), MeasureSettings()
    )
    with pytest.raises(LogError, match="200 customers"):
        label_lists(contacts)


# --- worked by hand ----------------------------------------------------------------------------


def test_a_share_worked_by_hand() -> None:
    """Mean f .40 of all, mean Y .50 and mean f .44 of the labelled, λ 1: .46."""
    f_all = np.tile([0.2, 0.6], 500)
    true, f = np.tile([0.0, 1.0], 50), np.tile([0.38, 0.50], 50)
    found = prediction_powered(
        Labelled(true, f, np.ones(100)), f_all, np.arange(1_000), of_model=1.0
    )
    assert found.value == pytest.approx(0.46)
    # Y - f is -.38 and .50: variance .44² · 100/99; f varies by .2².
    assert found.se == pytest.approx(np.sqrt(0.44**2 / 99 + 0.2**2 / 1_000))


def test_customers_of_many_contacts_count_for_all_of_them() -> None:
    true, weight = np.array([1.0] * 30 + [0.0] * 30), np.array([3.0] * 30 + [1.0] * 30)
    nothing = np.zeros(120)
    found = prediction_powered(Labelled(true, np.zeros(60), weight), nothing, np.arange(120))
    assert found.value == pytest.approx(0.75)


def test_fewer_than_thirty_labels_leave_the_share_an_assumption() -> None:
    few = Labelled(np.ones(29), np.full(29, 0.3), np.ones(29))
    people = np.arange(100)
    share = share_estimate(few, np.full(100, 0.3), people, what="", min_customers=10)
    assert (share.value, share.lo, share.grade, share.method) == (
        pytest.approx(0.3),
        None,
        "D",
        UNCORRECTED,
    )
    short = share_estimate(few, np.full(99, 0.3), people[:99], what="", min_customers=10)
    assert short.abstain == "n_small"
    hidden = share_estimate(few, np.full(99, 0.3), people[:99] // 20, what="", min_customers=10)
    assert hidden.abstain == "privacy"


def test_the_band_is_the_narrowest_that_is_right_often_enough() -> None:
    p = np.array([0.55] * 40 + [0.75] * 60)
    probabilities, right = np.column_stack([1 - p, p]), np.ones(100, dtype=np.int64)
    assert sure_band(probabilities, right) == 0.5
    half = right.copy()
    half[:20] = 0  # of all 80 % are right, from .60 on all
    assert sure_band(probabilities, half) == 0.6
    assert sure_band(probabilities, np.zeros(100, dtype=np.int64)) is None


def test_two_words_are_unsure_whatever_the_model_says() -> None:
    sure = np.array([[0.01, 0.99], [0.01, 0.99]])
    assert list(type_numbers(sure, ["card stolen", "my card stolen"], 0.8)) == [-1, 1]
    assert list(type_numbers(sure, ["card stolen", "my card stolen"], None)) == [-1, -1]


def test_agreement_worked_by_hand() -> None:
    """40 of 50 alike, each says half: kappa (.8 - .5) / .5 = .6."""
    first = np.array(["a"] * 25 + ["b"] * 25, dtype=object)
    second = np.array(["a"] * 20 + ["b"] * 5 + ["b"] * 20 + ["a"] * 5, dtype=object)
    assert agreement(first, second).value == pytest.approx(0.6)


def test_labels_that_are_all_alike_prove_no_certainty() -> None:
    """None of 30 labels: up to .122 by Wilson with t of 29 degrees, by hand."""
    none = Labelled(np.zeros(30), np.full(30, 0.01), np.ones(30))
    predicted, people = np.full(1_000, 0.01), np.arange(1_000)
    share = share_estimate(none, predicted, people, what="", min_customers=10)
    t2 = 2.0452**2
    assert (share.value, share.lo) == (0.0, 0.0)
    assert share.hi == pytest.approx(t2 / 30 / (1 + t2 / 30), abs=1e-4)
    every = Labelled(np.ones(30), np.full(30, 0.99), np.ones(30))
    share = share_estimate(every, 1 - predicted, people, what="", min_customers=10)
    assert (share.value, share.hi) == (1.0, 1.0)
    assert share.lo == pytest.approx(1 - t2 / 30 / (1 + t2 / 30), abs=1e-4)


def test_people_who_agree_on_thirty_openings_may_yet_disagree() -> None:
    """All 30 alike, half each: agreement from .8865, so kappa from 1 - .1135 / .5."""
    words = np.array(["a", "b"] * 15, dtype=object)
    found = agreement(words, words)
    assert (found.value, found.hi) == (1.0, 1.0)
    assert found.lo == pytest.approx(1 - 0.1135 / 0.5, abs=1e-3)
    # One opening holds the second word: by chance (29² + 1) / 30² agree.
    rare = np.array(["a"] * 29 + ["b"], dtype=object)
    found = agreement(rare, rare)
    assert found.value == pytest.approx(1.0)
    assert found.lo == pytest.approx(1 - 0.1135 / (58 / 900), abs=0.01)


def test_the_contacts_of_many_names_are_found_in_one_pass() -> None:
    """10,000 names of 100,000 contacts: a pass for each would take a minute."""
    words = np.array([f"n{number % 10_000:04}" for number in range(100_000)], dtype=object)
    words[::7] = ""
    begin = time.process_time()
    rows = dict(rows_by_name(words))
    assert time.process_time() - begin < 5
    assert list(rows) == sorted(set(words) - {""})
    for name in ("n0001", "n9999"):
        assert rows[name].tolist() == np.flatnonzero(words == name).tolist()


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Vulnerable", "health", "ethnicity", "Gesundheit"])
def test_what_is_never_inferred_is_no_type(name: str) -> None:
    with pytest.raises(ValidationError, match="never inferred"):
        ServiceTypeSettings(labels="x.csv", names=("transactional", name))


@pytest.mark.slow
def test_too_few_labels_and_people_who_disagree_say_nothing(log: Any) -> None:
    questions, journeys, lists = log
    labels = labelled(lists, questions)

    def answer(changed: pd.DataFrame) -> str:
        found = estimate_service_types(journeys, changed, TYPES)
        assert found.answer == "estimated" or not found.shares
        return found.answer

    assert answer(labels) == "estimated"
    assert answer(labels.iloc[1:]) == "few_labels"
    assert (
        answer(labels[~((labels["list"] == MEASURE) & (np.arange(200) % 2 == 0))]) == "few_measured"
    )
    one_kind = labels.assign(type=labels["type"].where(labels["list"] == MEASURE, NAMES[0]))
    assert answer(one_kind) == "few_of_a_type"
    swapped = labels["type"].map({NAMES[0]: NAMES[1], NAMES[1]: NAMES[0]})
    assert answer(labels.assign(second_type=swapped.where(lists["twice"], ""))) == "people_disagree"


def test_a_log_without_text_says_so(log_of: Any) -> None:
    journeys = rebuild(log_of(("a", 0, "A"), ("a", S, "B")))
    assert estimate_service_types(journeys, pd.DataFrame(), TYPES).answer == "no_text"


# --- how good it is ----------------------------------------------------------------------------


def _covered(true: np.ndarray, predicted: np.ndarray, n: int, times: int) -> float:
    draw, hits = np.random.default_rng(11), 0
    people = np.arange(len(true))
    for _ in range(times):
        rows = draw.choice(len(true), n, replace=False)
        sample = Labelled(true[rows], predicted[rows], np.ones(n))
        share = share_estimate(sample, predicted, people, what="", min_customers=10)
        assert share.method == CORRECTED
        hits += (share.lo or 0) <= true.mean() <= (share.hi or 0)
    return hits / times


@pytest.mark.slow
def test_intervals_hold_the_truth_with_a_model_of_other_contacts() -> None:
    model = learned(planted(200, 7))
    fresh = planted(4_000, 8)
    true = (fresh["type"] == NAMES[1]).to_numpy(dtype=float)
    predicted = model.probabilities(list(fresh["text"]))[:, 1]
    assert _covered(true, predicted, 100, 200) >= 0.90
    # A model that is turned over is of no use, and does no harm.
    assert _covered(true, 1 - predicted, 100, 200) >= 0.90


@pytest.mark.slow
def test_intervals_hold_the_truth_with_a_model_of_another_set(
    bank: dict[str, pd.DataFrame],
) -> None:
    """Learned from planted openings, asked of published banking questions."""
    questions = bank["test"]
    true = (questions["type"] == NAMES[1]).to_numpy(dtype=float)
    predicted = learned(planted(200, 7)).probabilities(list(questions["text"]))[:, 1]
    assert abs(predicted.mean() - true.mean()) > 0.02  # alone it is wrong
    assert _covered(true, predicted, 100, 200) >= 0.90


def test_noise_makes_no_interval_wider() -> None:
    draw = np.random.default_rng(9)
    true, noise = (draw.random(3_000) < 0.4).astype(float), draw.random(3_000)
    for _ in range(50):
        rows = draw.choice(3_000, 100, replace=False)
        sample = Labelled(true[rows], noise[rows], np.ones(100))
        alone = prediction_powered(sample, noise, np.arange(3_000), of_model=0.0)
        assert prediction_powered(sample, noise, np.arange(3_000)).se <= 1.05 * alone.se


@pytest.mark.slow
def test_shares_of_a_planted_log_hold_the_truth(log: Any) -> None:
    questions, journeys, lists = log
    found = estimate_service_types(journeys, labelled(lists, questions), TYPES)
    share = next(s for s in found.shares if (s.by, s.type) == ("log", NAMES[1]))
    true = (questions["type"] == NAMES[1]).mean()
    assert share.corrected
    assert (share.share.lo or 0) <= true <= (share.share.hi or 0)
    assert (found.right.value or 0) >= 0.85
    assert [bot.touchpoint for bot in found.bots] == ["", "", "Bot A", "Bot A", "Bot B", "Bot B"]
    # Every conversation ends with thanks: all that can be told is confirmed.
    assert found.bots[1].confirmed.value == 1.0
    assert found.bots[1].handed_over.value == 0.0
    # A forecast of moves is told how likely each contact is of the second type.
    contacts = openings(journeys, MeasureSettings())
    truth = dict(zip(questions["text"], questions["type"] == NAMES[1], strict=True))
    of_second = contacts["opening"].map(truth).astype(bool)
    likely = contacts["session"].map(found.second_type_micro) / 1e6
    assert likely[of_second].mean() > 0.6 and likely[~of_second].mean() < 0.4


@pytest.mark.slow
def test_published_banking_questions_are_told_apart(bank: dict[str, pd.DataFrame]) -> None:
    train, test = bank["train"], bank["test"]

    def right(rows: pd.DataFrame) -> float:
        told = learn_matters(list(rows["text"]), list(rows["category"]), others=[("x", "x")])
        best = told.margins(list(test["text"])).argmax(axis=1)
        return float((np.array(told.matters)[best] == test["category"]).mean())

    ten = [train.groupby("category").sample(10, random_state=seed) for seed in range(4)]
    assert np.mean([right(rows) for rows in ten]) >= 0.73
    assert right(train) >= 0.90


@pytest.mark.slow
def test_what_is_out_of_scope_is_found_among_published_questions(shared_data: Path) -> None:
    with gzip.open(shared_data / "clinc150" / "data_full.json.gz", "rt", encoding="utf-8") as file:
        data = json.load(file)
    outside = [(text, OTHER) for text, _ in data["oos_val"] + data["oos_train"]]
    texts, matters = zip(*data["train"], strict=True)
    model = learn_matters(texts, matters, others=[*map(tuple, data["val"]), *outside])
    told = model.matter([text for text, _ in data["test"]])
    assert np.mean([a == b for a, (_, b) in zip(told, data["test"], strict=True)]) >= 0.91
    assert np.mean([m == OTHER for m in model.matter([t for t, _ in data["oos_test"]])]) >= 0.50


@pytest.mark.slow
def test_one_opening_per_cluster_teaches_more_than_openings_at_random(
    bank: dict[str, pd.DataFrame],
) -> None:
    true = bank["test"]["type"] == NAMES[1]
    chosen, random = [], []
    for seed in range(5):
        pool = bank["train"].sample(2_000, random_state=seed).reset_index(drop=True)
        picked = one_per_cluster(pool.assign(opening=pool["text"]), 100)
        for rows, scores in ((picked, chosen), (pool.head(100), random)):
            found = learned(rows).probabilities(list(bank["test"]["text"]))[:, 1]
            scores.append(roc_auc_score(true, found))
    assert np.mean(chosen) >= 0.87
    assert sum(a > b for a, b in zip(chosen, random, strict=True)) >= 4


@pytest.mark.slow
def test_probabilities_mean_what_they_say(bank: dict[str, pd.DataFrame]) -> None:
    true = (bank["test"]["type"] == NAMES[1]).to_numpy()
    errors = []
    for seed in range(4):
        model = learned(bank["train"].sample(200, random_state=seed))
        p = model.probabilities(list(bank["test"]["text"]))[:, 1]
        bins = np.array_split(np.argsort(p, kind="stable"), 10)
        errors.append(np.mean([abs(p[b].mean() - true[b].mean()) for b in bins]))
    assert np.mean(errors) <= 0.07


# --- what contacts are about --------------------------------------------------------------------

MATTERS = {
    "bill": ("why is my invoice higher this month", "the invoice shows a wrong amount",
             "please send the invoice as a copy", "when is the invoice due"),
    "line": ("my internet connection is slow", "the router has no connection since noon",
             "internet drops every evening", "no connection after the router restarts"),
    "move": ("I am moving to another town next month", "change my address before I am moving",
             "moving house, what about my address", "my new address from next month on"),
    "phone": ("the phone screen is broken", "can you repair my phone screen",
              "my phone battery is empty at once", "repair of the battery of my phone"),
    "leave": ("I want to cancel my contract", "cancel everything at the end of the contract",
              "how long does my contract run", "is my contract cancelled now"),
}  # fmt: skip


def about(n: int, seed: int) -> pd.DataFrame:
    """Return a contact each of `n` customers, about one of five matters."""
    draw = np.random.default_rng(seed)
    names = draw.choice(list(MATTERS), n, p=[0.3, 0.25, 0.2, 0.15, 0.1])
    texts = [f"{draw.choice(MATTERS[str(name)])} {draw.integers(10**6)}" for name in names]
    keys = [f"{draw.integers(2**60):016x}" for _ in range(n)]
    who = np.arange(n)
    columns = {"customer_no": who, "group": who % 64, "journey": who, "contact": keys}
    return pd.DataFrame({"opening": texts, "matter": names, **columns})


def shuffled(contacts: pd.DataFrame) -> pd.DataFrame:
    """Deal the same words out anew: openings of the same lengths, about nothing."""
    words = [opening.split() for opening in contacts["opening"]]
    mixed = np.random.default_rng(5).permutation(np.concatenate(words))
    parts = np.split(mixed, np.cumsum([len(own) for own in words])[:-1])
    return contacts.assign(opening=[" ".join(part) for part in parts])


@pytest.mark.slow
def test_planted_topics_are_stable_and_have_their_shares() -> None:
    contacts = about(900, 1)
    found = topics(contacts, min_customers=10)
    assert found.answer == "topics"
    assert (found.agreement or 0) > max(0.8, found.by_chance or 1)
    # Some matters are two topics, but each topic is named by words of one matter.
    shares = dict.fromkeys(MATTERS, 0.0)
    for one in found.matters:
        hits = {name: sum(word in " ".join(said).casefold() for word in one.name.split(", "))
                for name, said in MATTERS.items()}  # fmt: skip
        shares[max(hits, key=lambda name: hits[name])] += one.share.value or 0.0
    for name, share in shares.items():
        assert share == pytest.approx((contacts["matter"] == name).mean(), abs=0.05)
    assert not any(letter.isdigit() for one in found.matters for letter in one.name)
    # The order of rows is no part of it.
    assert topics(contacts.sample(frac=1, random_state=2), min_customers=10) == found


@pytest.mark.slow
def test_words_in_no_order_are_no_stable_topics() -> None:
    found = topics(shuffled(about(900, 3)), min_customers=10)
    assert (found.answer, found.matters) == ("no_stable_topics", ())
    assert topics(about(299, 4), min_customers=10).answer == "few_customers"


@pytest.mark.slow
def test_names_and_rare_words_name_no_topic() -> None:
    contacts = about(900, 6)
    who = np.where(np.arange(900) % 2 == 0, "my name is Xanthippe Meier, ", "Frau Kallisto, ")
    rare = np.where(np.arange(900) < 9, " zirconium", "")
    contacts["opening"] = pd.Series(who) + contacts["opening"] + pd.Series(rare)
    words = {w for one in topics(contacts, min_customers=10).matters for w in one.name.split(", ")}
    assert words and not words & {"xanthippe", "meier", "kallisto", "zirconium"}


@pytest.mark.slow
def test_labelled_matters_have_shares_that_labels_drawn_at_random_correct() -> None:
    contacts = about(1_000, 7)
    contacts.loc[contacts.index[:8], ["opening", "matter"]] = ["a wedding in Rome", "wedding"]
    contacts = contacts.sample(frac=1, random_state=8, ignore_index=True)
    labels = contacts.head(250).assign(list=np.repeat([LEARN, MEASURE], [150, 100]))
    found = estimate_matters(contacts, labels, min_customers=10)
    assert found.answer == "labels"
    shares = {one.name: one.share for one in found.matters}
    # What fewer than ten people labelled is no matter of its own.
    assert set(MATTERS) <= set(shares) <= {*MATTERS, OTHER}
    for name in MATTERS:
        true = (contacts["matter"] == name).mean()
        assert shares[name].method == CORRECTED
        assert (shares[name].lo or 0) <= true <= (shares[name].hi or 0)
    # Without enough labels topics answer.
    assert estimate_matters(contacts, labels.head(99), min_customers=10).answer == "topics"


# --- German -------------------------------------------------------------------------------------

TAUGHT = 12  # wordings that are labelled; the others are met for the first time
ROUTINE_DE = (
    "Wie kann ich meine {} online ändern?",
    "Wo finde ich meine {}?",
    "Ich möchte eine zweite {} bestellen.",
    "Können Sie mir die {} noch einmal schicken?",
    "Bis wann muss ich die {} bezahlen?",
    "Welche {} passt zu meinem Tarif?",
    "Ich brauche eine Kopie meiner {}.",
    "Wie lange dauert es, bis die {} kommt?",
    "Bitte ändern Sie die Adresse auf meiner {}.",
    "Was kostet eine neue {} im Monat?",
    "Wie aktiviere ich die {}?",
    "Kann ich die {} auch per Überweisung zahlen?",
    "Wann wird die {} geliefert?",
    "Ich möchte meine {} auf Papier bekommen.",
    "Gibt es die {} auch auf Englisch?",
    "Wie melde ich die {} im Portal an?",
)
TROUBLE_DE = (
    "Ich bin verzweifelt, jemand hat meine {} gestohlen.",
    "Meine Mutter ist gestorben und Sie schicken immer noch die {}.",
    "Ich habe Angst, dass mit meiner {} betrogen wurde.",
    "Seit Wochen hilft mir niemand, die {} ist falsch und ich kann nicht mehr.",
    "Man droht mir mit dem Inkasso wegen einer {}, die ich nie wollte.",
    "Ich habe meine Arbeit verloren und kann die {} nicht bezahlen.",
    "Mein Konto ist leer, weil Sie die {} doppelt abgebucht haben, was soll ich tun?",
    "Ich fühle mich von Ihnen betrogen, die {} war nie vereinbart.",
    "Ohne {} bin ich im Notfall nicht erreichbar, ich bin krank.",
    "Mein Mann ist gestorben, was wird aus seiner {}?",
    "Ich weine hier, weil die {} weg ist und niemand hilft.",
    "Sie haben mir alles gesperrt, ich habe Angst um mein Geld und die {}.",
    "Das ist ungerecht, wegen Ihrer {} habe ich Mahnungen und schlaflose Nächte.",
    "Jemand benutzt meine {} ohne mich, bitte helfen Sie mir schnell.",
    "Ich bin so enttäuscht, wegen der {} verliere ich meine Wohnung.",
    "Nach dem Unfall brauche ich Hilfe, die {} wurde abgelehnt.",
)
THINGS_DE = (
    "Rechnung",
    "Karte",
    "Nummer",
    "Mahnung",
    "Police",
    "Bestellung",
    "Bestätigung",
    "Gutschrift",
)


def german(n: int, seed: int, *, taught: bool) -> pd.DataFrame:
    """Return German openings with their type, of wordings that are taught or of others."""
    draw = np.random.default_rng(seed)
    emotional = draw.random(n) < 0.4
    part = slice(None, TAUGHT) if taught else slice(TAUGHT, None)
    forms = [str(draw.choice((TROUBLE_DE if one else ROUTINE_DE)[part])) for one in emotional]
    texts = [form.format(draw.choice(THINGS_DE)) for form in forms]
    return pd.DataFrame({"text": texts, "type": np.where(emotional, NAMES[1], NAMES[0])})


def test_german_openings_of_other_wordings_are_told_apart() -> None:
    model = learned(german(200, 0, taught=True))
    others = german(400, 1, taught=False)
    assert set(languages_of(others["text"])) == {"de"}
    emotional = model.probabilities(list(others["text"]))[:, 1]
    assert roc_auc_score(others["type"] == NAMES[1], emotional) >= 0.9


@pytest.mark.slow
def test_a_log_in_two_languages_has_lists_and_shares_of_both(log_of: Any) -> None:
    english = planted(300, 3)
    questions = pd.concat([german(300, 2, taught=True), english], ignore_index=True)
    said = [(f"c{i:04d}", i * 10_000 * S, "Bot A", "customer", f"s{i:05d}", text)
            for i, text in enumerate(questions["text"])]  # fmt: skip
    journeys = rebuild(log_of(*said, columns=COLUMNS))
    lists = label_lists(openings(journeys, MeasureSettings()))
    assert lists.languages == ("de", "en")
    labels = labelled(lists.rows, questions)
    types = ServiceTypeSettings(labels="labels.csv")
    found = estimate_service_types(journeys, labels, types)
    assert found.answer == "estimated" and found.left_out == 0
    share = next(s.share for s in found.shares if s.by == "log" and s.type == NAMES[1])
    truth = float((questions["type"] == NAMES[1]).mean())
    assert share.lo is not None and share.hi is not None and share.lo <= truth <= share.hi
    # Without labels of one language, its contacts are in no share.
    german_only = labels[languages_of(labels["opening"]) == "de"]
    part = estimate_service_types(journeys, german_only, types)
    assert part.answer == "estimated" and part.left_out == 300
