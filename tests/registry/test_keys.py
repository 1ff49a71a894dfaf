"""Keys: made once, opened by their passphrase alone, believed in their roles and their time."""

import pickle
import stat

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from corridor.errors import InputError
from corridor.registry.keys import Trust, make, open_private, read_public
from corridor.registry.moments import now
from corridor.registry.refusal import RefusedError
from tests.registry.material import ANNA, BORIS, NOW, TRUST, YEAR, trusted_folder, write_key

WORDS = "correct horse battery"
MESSAGE = b"a message"


@pytest.fixture
def made(tmp_path):
    private, public = make("anna", ("author",), tmp_path / "own", WORDS)
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    (trusted / public.name).write_bytes(public.read_bytes())
    return private, trusted


def test_what_a_key_signs_its_public_half_verifies(made):
    private, trusted = made
    trust = Trust.load(trusted)
    signer = open_private(private, WORDS, trust)
    key = trust.check("anna", "author", now(), signer.sign(MESSAGE), MESSAGE)
    assert key == signer.owner
    assert not key.signed(signer.sign(MESSAGE), MESSAGE + b".")
    assert not key.signed("zz" * 64, MESSAGE)


def test_a_private_key_is_for_its_owner_alone(made):
    private, trusted = made
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert b"ENCRYPTED PRIVATE KEY" in private.read_bytes()
    signer = open_private(private, WORDS, Trust.load(trusted))
    assert "PrivateKey" not in repr(signer)
    with pytest.raises(TypeError, match="not written"):
        pickle.dumps(signer)


@pytest.mark.parametrize("words", ["", "correct horse batterz", WORDS + " "])
def test_another_passphrase_opens_nothing(made, words):
    private, trusted = made
    with pytest.raises(InputError, match="another passphrase"):
        open_private(private, words, Trust.load(trusted))


def test_a_key_is_never_overwritten(made, tmp_path):
    before = made[0].read_bytes()
    with pytest.raises(InputError, match="no key is overwritten"):
        make("anna", ("author",), tmp_path / "own", WORDS)
    assert made[0].read_bytes() == before


@pytest.mark.parametrize(
    ("name", "words", "told"),
    [
        ("Anna", WORDS, "small"),
        ("../anna", WORDS, "small"),
        ("", WORDS, "small"),
        ("anna", "short", "5 signs"),
    ],
)
def test_bad_names_and_short_passphrases_make_nothing(tmp_path, name, words, told):
    with pytest.raises(InputError, match=told):
        make(name, ("author",), tmp_path / "own", words)
    assert not (tmp_path / "own").exists()


def pem(key, words: bytes | None) -> bytes:
    how = serialization.BestAvailableEncryption(words) if words else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (pem(Ed25519PrivateKey.generate(), None), "not encrypted"),
        (pem(generate_private_key(SECP256R1()), WORDS.encode()), "no Ed25519 key"),
        (pem(Ed25519PrivateKey.generate(), WORDS.encode()), "not among the trusted"),
        (b"", "no private key"),
        (b"\x00\xff garbage", "no private key"),
    ],
)
def test_what_is_no_key_of_a_trusted_person_is_refused(tmp_path, content, told):
    path = tmp_path / "x.key"
    path.write_bytes(content)
    with pytest.raises(InputError, match=told):
        open_private(path, WORDS, TRUST)


def test_a_signature_counts_in_its_role_and_time_only():
    value = ANNA.sign(MESSAGE)
    TRUST.check("anna", "author", NOW, value, MESSAGE)
    cases = {
        "unsigned": [("anna", "approver", NOW), ("boris", "approver", NOW), ("nobody", "author", NOW)],
        "expired": [("anna", "author", NOW + YEAR), ("anna", "author", NOW - 2 * YEAR - 1)],
    }
    for reason, given in cases.items():
        for one in given:
            with pytest.raises(RefusedError) as refused:
                TRUST.check(*one, value, MESSAGE)
            assert refused.value.reason == reason


def test_a_folder_of_trusted_keys_holds_nothing_else(tmp_path):
    folder = trusted_folder(tmp_path / "t", ANNA, BORIS)
    assert Trust.load(folder).keys == {"anna": ANNA.owner, "boris": BORIS.owner}
    (folder / "anna.key").write_text("x")
    with pytest.raises(InputError, match="not a public key"):
        Trust.load(folder)


def test_two_persons_never_share_a_name_or_a_key(tmp_path):
    folder = trusted_folder(tmp_path / "t", ANNA)
    text = (folder / "anna.toml").read_text()
    (folder / "again.toml").write_text(text)
    with pytest.raises(InputError, match="stands in another file"):
        Trust.load(folder)
    (folder / "again.toml").write_text(text.replace('"anna"', '"anna2"'))
    with pytest.raises(InputError, match="has the key of"):
        Trust.load(folder)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("author", "king", "roles"),
        ('["author"]', "[]", "roles"),
        ('["author"]', '"author"', "roles"),
        ('"anna"', '"An na"', "name"),
        ("public_key", "publik_key", "publik_key"),
        ("name = ", "nonsense", "give what `corridor keys make` wrote"),
        ("valid_from = ", "valid_from = 7 #", "valid_from must be a time"),
    ],
)
def test_a_bad_public_key_is_told(tmp_path, old, new, told):
    write_key(tmp_path, ANNA.owner)
    path = tmp_path / "anna.toml"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=told):
        read_public(path)


def test_an_empty_or_missing_folder_is_told(tmp_path):
    for folder, told in ((tmp_path, r"no \*\.toml"), (tmp_path / "nowhere", "no such folder")):
        with pytest.raises(InputError, match=told):
            Trust.load(folder)
