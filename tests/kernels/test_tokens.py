import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from corridor.kernels.tokens import hs_tokens, tokens
from corridor.messages.tokens import hs_token, token


def columns(texts):
    raw = [text.encode() for text in texts]
    return np.frombuffer(b"".join(raw), np.uint8), np.cumsum([0] + [len(part) for part in raw])


@given(st.lists(st.text(max_size=40), max_size=20))
def test_tokens_equal_the_slow_twin(texts):
    assert tokens(*columns(texts)).tolist() == [token(text) for text in texts]


def test_every_length_of_digits_and_of_cyrillic():
    texts = ["7" * n for n in range(100)] + ["ж" * n for n in range(20)] + ["\0", "\0" * 7]
    assert tokens(*columns(texts)).tolist() == [token(text) for text in texts]


def test_one_text_no_texts_read_only_and_strided():
    text, offsets = columns(["KZ", "910340012345"])
    assert tokens(text, offsets[:1]).tolist() == []
    assert tokens(text, offsets[1:]).tolist() == [token("910340012345")]
    text.flags.writeable = False
    assert tokens(np.repeat(text, 2)[::2], np.repeat(offsets, 2)[::2])[0] == token("KZ")


@given(st.lists(st.text("0123456789", max_size=20) | st.text("019a٣ж\0", max_size=9), max_size=20))
def test_hs_tokens_equal_the_slow_twin(texts):
    assert hs_tokens(*columns(texts)).tolist() == [hs_token(text) for text in texts]
