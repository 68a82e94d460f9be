"""The pool: each prover's cheapest quote, in order, in bounded memory; held to a model without any cleverness."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordination.chain.accounts import address_of, development_key
from coordination.chain.quote import Address, Quote
from coordination.node.core.pool import CAPACITY, IMPROVEMENTS, Pool

PROVERS = [address_of(development_key(f"prover {number}")) for number in range(6)]
A, B, D, F, *_ = PROVERS


def filled(pool: Pool, *offers: tuple[Address, int], epoch: int = 0) -> list[bool]:
    return [pool.add(Quote(prover, epoch, fee)) for prover, fee in offers]


def best(pool: Pool, epoch: int = 0) -> list[tuple[Address, int]]:
    return [(quote.prover, quote.basis_point_fee) for quote in pool.best_first(epoch)]


def test_the_shipped_bounds_are_the_documented_ones() -> None:
    assert (CAPACITY, IMPROVEMENTS) == (4_096, 16)


def test_the_pool_holds_no_more_than_its_capacity_of_provers_an_epoch() -> None:
    pool = Pool()
    addresses = [Address(f"0x{number:040x}") for number in range(CAPACITY + 10)]  # type: ignore[arg-type]
    filled(pool, *((address, 5_000) for address in addresses))
    assert sum(pool.has(Quote(address, 0, 5_000)) for address in addresses) == len(pool) == CAPACITY
    assert pool.add(Quote(addresses[-1], 1, 5_000))


def test_in_a_full_pool_the_cheaper_quote_takes_the_place_of_the_dearest() -> None:
    pool = Pool(capacity=2)
    assert filled(pool, (A, 900), (B, 800), (D, 850)) == [True, True, True]
    assert best(pool) == [(B, 800), (D, 850)]


@pytest.mark.parametrize("fee", [900, 901])
def test_in_a_full_pool_the_earlier_of_equal_ones_stays(fee: int) -> None:
    pool = Pool(capacity=2)
    assert filled(pool, (A, 900), (B, 800), (D, fee)) == [True, True, True], "news all the same: others may have room"
    assert best(pool) == [(B, 800), (A, 900)]


def test_in_a_full_pool_those_who_cannot_pay_give_way_first_also_to_a_dearer_one() -> None:
    pool = Pool(capacity=2)
    filled(pool, (A, 900), (B, 100))
    pool.set_aside(0, {B})
    assert filled(pool, (D, 5_000)) == [True]
    assert best(pool) == [(A, 900), (D, 5_000)]
    pool.restore()
    assert best(pool) == [(A, 900), (D, 5_000)]


def test_those_who_once_could_not_pay_give_way_before_the_others() -> None:
    pool = Pool(capacity=2)
    filled(pool, (A, 900), (B, 100))
    pool.set_aside(0, {B})
    pool.restore()
    assert best(pool) == [(B, 100), (A, 900)]
    filled(pool, (D, 5_000), (F, 6_000))
    assert best(pool) == [(A, 900), (D, 5_000)]


def test_a_prover_that_is_in_a_full_pool_may_still_go_down() -> None:
    pool = Pool(capacity=2)
    assert filled(pool, (A, 900), (B, 800), (A, 700)) == [True, True, True]
    assert best(pool) == [(A, 700), (B, 800)]


def test_one_who_gave_way_comes_back_as_one_who_was_never_there() -> None:
    pool = Pool(capacity=1)
    downwards = [(A, 900 - fee) for fee in range(IMPROVEMENTS + 1)]
    assert all(filled(pool, *downwards))
    filled(pool, (B, 0), (A, 800))
    assert best(pool) == [(B, 0)]
    pool.set_aside(0, {B})
    assert all(filled(pool, *downwards))


def test_one_who_is_set_aside_is_passed_over_and_kept() -> None:
    pool = Pool()
    filled(pool, (A, 900), (B, 800))
    pool.set_aside(0, {B, D})
    assert best(pool) == [(A, 900)]
    assert pool.quotes(0) == [Quote(B, 0, 800), Quote(A, 0, 900)]
    pool.restore()
    assert best(pool) == [(B, 800), (A, 900)]


def test_one_who_is_set_aside_stays_so_though_it_goes_down() -> None:
    pool = Pool()
    filled(pool, (A, 900), (B, 800))
    pool.set_aside(0, {B})
    assert filled(pool, (B, 700)) == [True]
    assert best(pool) == [(A, 900)]
    pool.restore()
    assert best(pool) == [(B, 700), (A, 900)]


def test_what_is_set_aside_for_one_epoch_is_not_for_another() -> None:
    pool = Pool()
    filled(pool, (A, 900), epoch=0)
    filled(pool, (A, 900), epoch=1)
    pool.set_aside(0, {A})
    assert (best(pool, 0), best(pool, 1)) == ([], [(A, 900)])


def test_epochs_before_one_are_forgotten_and_no_others() -> None:
    pool = Pool()
    for epoch in range(4):
        filled(pool, (A, 900), epoch=epoch)
    pool.forget_before(2)
    assert [bool(best(pool, epoch)) for epoch in range(4)] == [False, False, True, True]
    assert len(pool) == 2


class Model:
    """The same, by looking at everything each time."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.arrivals = capacity, 0
        self.kept: dict[Address, tuple[int, int]] = {}  # fee and arrival
        self.counts: dict[Address, int] = {}
        self.poor: set[Address] = set()
        self.doubtful: set[Address] = set()

    def add(self, prover: Address, fee: int) -> bool:
        if prover in self.kept and (self.kept[prover][0] <= fee or self.counts[prover] > IMPROVEMENTS):
            return False
        if prover not in self.kept and len(self.kept) == self.capacity:
            unwanted = self.poor or self.doubtful
            victim = min(unwanted) if unwanted else self.in_order()[-1]
            if not unwanted and self.kept[victim][0] <= fee:
                return True
            del self.kept[victim], self.counts[victim]
            self.poor.discard(victim)
            self.doubtful.discard(victim)
        self.arrivals += 1
        self.kept[prover] = (fee, self.arrivals)
        self.counts[prover] = self.counts.get(prover, 0) + 1
        return True

    def in_order(self) -> list[Address]:
        return sorted(self.kept, key=lambda prover: self.kept[prover])

    def best(self) -> list[tuple[Address, int]]:
        return [(prover, self.kept[prover][0]) for prover in self.in_order() if prover not in self.poor]


moves = st.one_of(
    st.tuples(st.sampled_from(PROVERS), st.integers(0, 30)),
    st.sets(st.sampled_from(PROVERS), max_size=4),
    st.just("restore"),
)


@settings(max_examples=500, derandomize=True, deadline=None)
@given(st.integers(1, 4), st.lists(moves, max_size=60))
def test_the_pool_is_what_the_model_says(capacity: int, steps: list[tuple[Address, int] | set[Address] | str]) -> None:
    pool, model = Pool(capacity), Model(capacity)
    for step in steps:
        if isinstance(step, tuple):
            assert pool.add(Quote(step[0], 0, step[1])) == model.add(*step)
        elif isinstance(step, set):
            pool.set_aside(0, step)
            model.poor |= step & model.kept.keys()
        else:
            pool.restore()
            model.doubtful |= model.poor
            model.poor.clear()
        assert best(pool) == model.best()
        assert [quote.prover for quote in pool.quotes(0)] == model.in_order()
        assert len(pool) == len(model.kept) <= capacity
        for prover in PROVERS:
            kept = model.kept.get(prover)
            assert [fee for fee in range(31) if pool.has(Quote(prover, 0, fee))] == ([kept[0]] if kept else [])
