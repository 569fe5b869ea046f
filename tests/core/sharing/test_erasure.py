import itertools

import pytest
from scipy.stats import binom

from core.sharing.erasure import failure, packets_of, protect, recover


@pytest.mark.parametrize(
    ("n", "k", "loss"), [(1, 1, 0.1), (5, 3, 0.05), (30, 22, 0.1), (9, 0, 0.5)]
)
def test_the_failure_is_the_binomial_tail(n, k, loss):
    assert failure(n, k, loss) == pytest.approx(binom.cdf(k - 1, n, 1 - loss), abs=1e-15)


def test_what_cannot_be_is_refused():
    for n, k, loss in ((3, 4, 0.1), (3, 2, 1.1), (3, -1, 0.1)):
        with pytest.raises(ValueError, match="takes"):
            failure(n, k, loss)
    with pytest.raises(ValueError, match="up to 255"):
        protect(bytes(3_000), 10, 1)
    with pytest.raises(ValueError, match="at least 1"):
        packets_of(b"a", 0)


def test_any_k_of_n_packets_bring_it_back_and_fewer_none():
    data = bytes(range(1, 48))
    packets = protect(data, 10, 2)
    assert packets[:5] == packets_of(data, 10) and len(packets) == 7
    for arrived in itertools.combinations(range(7), 5):
        assert recover({i: packets[i] for i in arrived}, 7, 5, len(data)) == data
    assert recover({i: packets[i] for i in (0, 1, 5, 6)}, 7, 5, len(data)) is None


def test_without_redundancy_it_is_the_packets_themselves():
    packets = protect(b"hello", 3, 0)
    assert packets == [b"hel", b"lo\0"]
    assert recover(dict(enumerate(packets)), 2, 2, 5) == b"hello"
    assert recover({1: packets[1]}, 2, 2, 5) is None
