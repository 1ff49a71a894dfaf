import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridor.kernels.sampling import digests, draw


def naive(data, key):
    """The slow twin: hashlib."""
    digest = hashlib.blake2b(data, digest_size=8, key=key).digest()
    return (int.from_bytes(digest, "big") >> 11) * 2.0**-53


def slices(texts):
    lengths = np.array([len(text) for text in texts], np.int64)
    return np.frombuffer(b"".join(texts), np.uint8), np.cumsum(lengths) - lengths, lengths


@pytest.mark.parametrize("size", [0, 1, 32, 64])
def test_every_length_up_to_1000_equals_hashlib(size):
    key = bytes(range(100, 100 + size))
    texts = [np.random.default_rng(n).bytes(n) for n in range(1001)]
    assert draw(*slices(texts), key).tolist() == [naive(text, key) for text in texts]


@settings(max_examples=100)
@given(st.lists(st.binary(max_size=400), max_size=5), st.binary(max_size=64))
def test_any_text_and_key_equal_hashlib(texts, key):
    assert draw(*slices(texts), key).tolist() == [naive(text, key) for text in texts]


def test_draws_are_uniform_and_below_one():
    texts = [f"26KZ{n:08d}".encode() for n in range(20_000)]
    got = draw(*slices(texts), b"k" * 32)
    assert 0 <= got.min() < got.max() < 1
    assert abs((got < 0.01).mean() - 0.01) < 0.003


def test_read_only_strided_and_batches():
    texts = [b"abc", b"", b"d" * 129, b"e" * 128]
    text, starts, lengths = slices(texts)
    want = [naive(data, b"key") for data in texts]
    assert draw(np.repeat(text, 2)[::2], starts, lengths, b"key").tolist() == want
    assert [draw(text, starts[i : i + 1], lengths[i : i + 1], b"key")[0] for i in range(4)] == want
    assert draw(text, starts[::2], lengths[::2], b"key").tolist() == want[::2]


@pytest.mark.parametrize(("start", "length"), [(-1, 2), (0, 4), (3, 1), (0, -1)])
def test_a_slice_outside_the_text_is_refused(start, length):
    with pytest.raises(ValueError, match="leaves the text"):
        digests(np.zeros(3, np.uint8), [start], [length], b"k")


def test_a_long_key_is_refused():
    with pytest.raises(ValueError, match="65 bytes"):
        draw(np.zeros(3, np.uint8), [0], [1], b"k" * 65)
