"""What a transaction pays, and its bytes."""

from __future__ import annotations

from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from coordination.node.l1.transactions import TIP, Fees, compute_fees, compute_raised, read, sign
from tests.node.l1.town import ALICE, ALICE_KEY, BOB

FEES = st.integers(0, 2**100)


def test_the_first_fees_outlast_five_full_blocks() -> None:
    base_fee = 10**9
    most, tip = compute_fees(base_fee)
    for _ in range(5):
        base_fee = base_fee * 9 // 8
    assert tip == TIP
    assert most - tip >= base_fee


@given(FEES, FEES, FEES)
def test_raised_fees_are_an_eighth_higher_and_never_below_what_is_asked_now(most: int, tip: int, base_fee: int) -> None:
    raised, now = compute_raised(Fees(most, tip), base_fee), compute_fees(base_fee)
    assert raised.most * 8 >= most * 9
    assert raised.tip * 8 >= tip * 9
    assert raised.most >= now.most
    assert raised.tip >= now.tip


def test_what_was_signed_is_read_back() -> None:
    raw = sign(ALICE_KEY, 31_337, 5, BOB, b"data", 60_000, Fees(300, 20))
    assert read(raw)[1:] == (5, BOB, b"data", 60_000, Fees(300, 20))
    assert Account.recover_transaction(raw) == ALICE


def test_the_same_is_signed_with_the_same_bytes() -> None:
    one, other = (sign(ALICE_KEY, 1, 0, BOB, b"", 21_000, Fees(2, 1)) for _ in range(2))
    assert one == other
