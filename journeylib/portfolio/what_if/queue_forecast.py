"""The queue after a move: arrivals, minutes, waits and abandonment, resample by resample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from journeylib.core import Floats
from journeylib.judge import erlang_a

ROUNDS, CLOSE = 200, 1e-7  # of the fixed point, and when it is reached
HOUR = 60.0


@dataclass(frozen=True, eq=False)
class Lengths:
    """How long people's contacts take, as a histogram of each resample.

    Attributes
    ----------
    counts : ndarray of float64, shape (resamples, bins)
    minutes : ndarray of float64, shape (bins,)
        Mean of each bin, ascending.
    """

    counts: Floats
    minutes: Floats

    @property
    def mean(self) -> Floats:
        """Mean minutes of each resample."""
        return np.asarray((self.counts * self.minutes).sum(axis=1) / self.counts.sum(axis=1))

    def longest(self, share: Floats) -> Floats:
        """Return the mean of the longest `share` of the contacts; of all where it is 0."""
        counts, minutes = self.counts[:, ::-1], self.minutes[::-1]
        wanted = share * counts.sum(axis=1)
        before = np.cumsum(counts, axis=1) - counts
        taken = np.clip(wanted[:, None] - before, 0.0, counts)
        sums = (taken * minutes).sum(axis=1)
        return np.where(wanted > 0, sums / np.where(wanted > 0, wanted, 1.0), self.mean)


@dataclass(frozen=True, eq=False)
class Matter:
    """A matter of which a share meets the bot first; arrays have one row a resample.

    Attributes
    ----------
    rate : ndarray, shape (resamples, hours)
        Contacts a minute, those that the bot has included.
    lengths : Lengths
        People's minutes for contacts that no bot had.
    bot_share, contained, returns : ndarray, shape (resamples,)
        Share that meets the bot today; share of these that no person joins; share of the
        contained that comes back to people.
    handed_minutes : ndarray or None
        People's minutes for what the bot handed over, where the log holds such contacts.
    extra : float
        Minutes that a failed try of the bot adds.
    """

    rate: Floats
    lengths: Lengths
    bot_share: Floats
    contained: Floats
    returns: Floats
    handed_minutes: Floats | None = None
    extra: float = 0.0

    def minutes(self, selection: float | None) -> tuple[Floats, Floats]:
        """Return people's minutes for what the bot fails at, and for what comes back.

        `selection` is 0 where the bot solves any contact alike, 1 where it solves the shortest;
        None: as the contacts that it handed over.
        """
        mean, p = self.lengths.mean, self.contained
        hard = self.lengths.longest(1 - p)
        if selection is None and self.handed_minutes is not None:
            failed = np.clip(self.handed_minutes - self.extra, mean, np.maximum(hard, mean))
        else:
            failed = mean + (selection or 0.0) * (hard - mean)
        easy = (mean - (1 - p) * failed) / np.where(p > 0, p, 1.0)
        return failed, np.where(p > 0, easy, mean)

    def served(self, share: Floats | float, selection: float | None) -> tuple[Floats, Floats]:
        """Return what people have of one contact: contacts, and minutes of work."""
        failed, _back = self.minutes(selection)
        return self.reached(share), self.left(share, self.lengths.mean, failed, self.extra)

    def reached(self, share: Floats | float) -> Floats:
        """Return the share of contacts that reach people."""
        return 1 - share * self.contained * (1 - self.returns)

    def left(
        self, share: Floats | float, mean: Floats, failed: Floats, extra: float = 0.0
    ) -> Floats:
        """Return what people have of one contact of some figure, such as its minutes.

        `mean` is the figure of all contacts, `failed` of what the bot fails at.
        """
        p, r = self.contained, self.returns
        back = np.where(p > 0, (mean - (1 - p) * failed) / np.where(p > 0, p, 1.0), mean)
        return (1 - share) * mean + share * ((1 - p) * (failed + extra) + p * r * back)


@dataclass(frozen=True, eq=False)
class Team:
    """The people of one queue today; arrays have one row a resample.

    Attributes
    ----------
    rate : ndarray, shape (resamples, hours)
        Contacts a minute that reach them, who give up and come back included.
    minutes : ndarray, shape (resamples,)
        Mean minutes of a contact.
    patience, back : ndarray, shape (resamples,)
        Mean minutes until a customer gives up; share of those who then come back.
    staff : ndarray of int, shape (hours,) or None
        None where nobody knows: then there are no waits.
    """

    rate: Floats
    minutes: Floats
    patience: Floats
    back: Floats
    staff: Floats | None


@dataclass(frozen=True, eq=False)
class Load:
    """What people have in a week; one entry a resample.

    Attributes
    ----------
    contacts, minutes : ndarray
        Contacts a week that reach people, and minutes of work a week if nobody gives up.
    length : ndarray
        Mean minutes of a contact.
    wait, gives_up : ndarray or None
        Mean wait in minutes, and share who give up; by arrivals over the hours of the week.
    hourly : ndarray, shape (hours,)
        Contacts a minute that reach people in each hour of the week, in the log as it is.
    """

    contacts: Floats
    minutes: Floats
    length: Floats
    wait: Floats | None
    gives_up: Floats | None
    hourly: Floats


def today(team: Team) -> Load:
    """Return what the model says of the team as it is."""
    return _load(team, team.rate, team.minutes, team.staff)


def after(
    team: Team,
    moves: Sequence[tuple[Matter, float]],
    *,
    selection: float | None,
    staff: Floats | None = None,
) -> Load:
    """Return what people have once shares of matters have moved.

    Parameters
    ----------
    team : Team
    moves : sequence of (Matter, share)
        The share that is to meet the bot first; effects are added up.
    selection : float or None
        As in `Matter.minutes`.
    staff : ndarray of int, shape (hours,), optional
        Default: as today.

    Notes
    -----
    Contacts that give up and come back are arrivals, too: λ = fresh + back · gives_up(λ) · λ,
    solved from below in each hour.
    """
    contacts, work = team.rate, team.rate * team.minutes[:, None]
    for matter, share in moves:
        people, minutes = matter.served(share, selection)
        people_now, minutes_now = matter.served(matter.bot_share, selection)
        contacts = contacts + matter.rate * (people - people_now)[:, None]
        work = work + matter.rate * (minutes - minutes_now)[:, None]
    contacts, work = np.maximum(contacts, 0.0), np.maximum(work, 0.0)
    length = work.sum(axis=1) / np.maximum(contacts.sum(axis=1), 1e-300)
    staff = team.staff if staff is None else staff
    if staff is None or team.staff is None:
        return _load(team, contacts, length, None)
    abandonment = erlang_a(team.rate, team.staff, team.minutes[:, None], team.patience[:, None])[1]
    fresh = contacts * (1 - team.back[:, None] * abandonment)
    return _load(team, _with_returns(fresh, team, length, staff), length, staff)


def _with_returns(fresh: Floats, team: Team, length: Floats, staff: Floats) -> Floats:
    rate = fresh
    if not team.back.any():
        return rate
    for _round in range(ROUNDS):
        abandonment = erlang_a(rate, staff, length[:, None], team.patience[:, None])[1]
        new = fresh + team.back[:, None] * abandonment * rate
        if float(np.abs(new - rate).max(initial=0.0)) < CLOSE:
            return new
        rate = new
    return rate


def _load(team: Team, rate: Floats, length: Floats, staff: Floats | None) -> Load:
    total = rate.sum(axis=1)
    wait = gives_up = None
    if staff is not None:
        waits, abandonment = erlang_a(rate, staff, length[:, None], team.patience[:, None])
        safe = np.maximum(total, 1e-300)
        wait = np.asarray((rate * waits).sum(axis=1) / safe)
        gives_up = np.asarray((rate * abandonment).sum(axis=1) / safe)
    return Load(total * HOUR, total * HOUR * length, length, wait, gives_up, rate[0])


def mix_and_rate(
    before: Mapping[str, tuple[float, float]], now: Mapping[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """Split the change of a mean into what shares change and what each group changes.

    Parameters
    ----------
    before, now : mapping of str to (contacts, mean)

    Returns
    -------
    dict of str to (mix, rate)
        Of each group; all of them add up to the change of the mean exactly.

    Notes
    -----
    Kitagawa (1955): (w₁ − w₀)·(m₀ + m₁)/2 for the mix, (m₁ − m₀)·(w₀ + w₁)/2 for the rate.
    """
    all_before = sum(n for n, _ in before.values())
    all_now = sum(n for n, _ in now.values())
    parts = {}
    for name, (n, mean) in before.items():
        n_now, mean_now = now[name]
        share, share_now = n / all_before, n_now / all_now
        mix = (share_now - share) * (mean + mean_now) / 2
        parts[name] = (mix, (mean_now - mean) * (share + share_now) / 2)
    return parts
