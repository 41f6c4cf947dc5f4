import itertools
import random

import pytest

from journeylib.present.drawing.label_placement import Rect, leader, place_labels


@pytest.mark.parametrize(("size", "seed"), list(itertools.product([11.0, 14.0], range(4))))
def test_thirty_labels_do_not_overlap(size, seed):
    deal = random.Random(seed)
    points = [(deal.uniform(70, 900), deal.uniform(30, 600)) for _ in range(30)]
    sizes = [(deal.uniform(5, 17) * size * 0.6, size * 1.25) for _ in points]
    marks = [Rect(x - 7, y - 7, 14, 14) for x, y in points]
    bounds = Rect(60, 20, 860, 620)
    places = place_labels(points, sizes, bounds=bounds, marks=marks)
    assert None not in places
    for one, other in itertools.combinations(places, 2):
        assert one.overlap(other) == 0
    assert all(place.inside(bounds) for place in places)
    assert all(place.overlap(mark) == 0 for place, mark in itertools.product(places, marks))


def test_a_label_without_a_free_place_is_left_out():
    wall = Rect(0, 0, 100, 100)
    assert place_labels([(50, 50)], [(20, 10)], bounds=wall, marks=[wall]) == [None]


def test_the_first_choice_is_beside_the_point():
    (place,) = place_labels([(50, 50)], [(20, 10)], bounds=Rect(0, 0, 200, 100))
    assert (place.x, place.y) == (59, 45)


def test_soft_marks_are_avoided_where_there_is_room():
    soft = Rect(55, 40, 100, 20)
    (place,) = place_labels([(50, 50)], [(20, 10)], bounds=Rect(0, 0, 200, 100), soft=[soft])
    assert place.overlap(soft) == 0


def test_only_far_labels_have_a_leader():
    assert leader((50, 50), Rect(59, 45, 20, 10)) is None
    assert leader((50, 50), Rect(110, 45, 20, 10)) == (57, 50, 110, 50)
