"""What other drivers and tools call their TLS settings, and the key of pg or mysql2 that is meant."""

from __future__ import annotations

from typing import Any, Final

from generator.documents.values import Placeholder


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Texts that say "off" for a mode of TLS, and those that ask for encryption without a look at the certificate. The other
#: modes ask for what an object for ``ssl`` does anyway.
_OFF_MODES: Final = _words("disable disabled off none no false 0 allow prefer preferred")
_UNVERIFIED_MODES: Final = _words("require required no-verify noverify")
_FALSE: Final = _words("false 0 no off n") | {""}

_MODES: Final = _words("mode sslmode tlsmode")
_SWITCHES: Final = _words("""
    require required requiressl requiretls enabled enable enablessl enabletls sslenabled tlsenabled usessl usetls use on ssl
    tls encrypt encrypted encryption sslrequired
""")
_OFF_SWITCHES: Final = _words("disable disabled disablessl disabletls off")
_VERIFYING: Final = _words("""
    verify sslverify verifyservercertificate sslverifyservercert verifypeer strict strictssl checkcertificate
""")
_TRUSTING: Final = _words("""
    trustservercertificate insecure skipverify insecureskipverify allowselfsigned allowinvalidcertificates
""")
_FILES: Final = {
    "ca": _words(
        "sslrootcert sslca sslcafile sslrootca rootcert rootca cafile cafilepath capath tlsca tlscafile servercert"
    ),
    "cert": _words("sslcert sslcertfile certfile certpath clientcert tlscert tlscertfile"),
    "key": _words("sslkey sslkeyfile keyfile keypath clientkey tlskey tlskeyfile"),
}
_FILE_KEYS: Final = {word: key for key, words in _FILES.items() for word in words}
_NAMES: Final = _MODES | _SWITCHES | _OFF_SWITCHES | _VERIFYING | _TRUSTING | _FILE_KEYS.keys()
#: What a name has in it that can only be about TLS.
_ABOUT_TLS: Final = ("ssl", "tls", "encrypt", "servercert", "rootcert")
#: Node's own options, which count inside ``ssl`` only.
INSIDE: Final = _words("rejectUnauthorized ca cert pfx passphrase servername checkServerIdentity minVersion")


def plain(key: str) -> str:
    """``key`` without what people write differently: case, dashes and underscores."""
    return key.lower().replace("-", "").replace("_", "")


def is_tls_name(key: str, *, inside: bool) -> bool:
    """Whether ``key`` is one of these names; not ``inside`` of ``ssl``, one that can mean nothing else."""
    word = plain(key)
    return word in _NAMES and (inside or any(part in word for part in _ABOUT_TLS))


def is_mode(key: str) -> bool:
    """Whether ``key`` takes a mode of TLS, as libpq's ``sslmode`` does: how much, and not only what is checked."""
    return plain(key) in _MODES


def file_key(key: str) -> str | None:
    """The key of ``ssl`` that takes what the file holds which ``key`` names."""
    return _FILE_KEYS.get(plain(key))


def wants(key: str, value: Any) -> str:
    """What ``key: value`` asks for: ``off``, ``unverified``, ``on``, a ``file``, or ``unknown`` where a variable decides."""
    word, text = plain(key), str(value).strip().lower()
    if word in _FILE_KEYS:
        return "file"
    if isinstance(value, Placeholder):
        return "unknown"
    if word in _MODES:
        return "off" if text in _OFF_MODES else "unverified" if text in _UNVERIFIED_MODES else "on"
    says_no = value is None or text in _FALSE
    if word in _SWITCHES:
        return "off" if says_no else "on"
    if word in _OFF_SWITCHES:
        return "on" if says_no else "off"
    trusting = word in _TRUSTING
    return "unverified" if says_no != trusting else "on"
