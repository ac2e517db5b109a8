"""From the bytes of a feed or page to its text: they decide the encoding where the label lies."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping, Sequence

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, with whose mark it begins
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]+")
_REFERENCE = re.compile(r"&#(?:[xX]([0-9a-fA-F]+)|([0-9]+));?")
_ASCII = re.compile("[\x00-\x7f]+")
_LABEL = re.compile(rb"""\s*<\?xml\b[^>]*?\bencoding\s*=\s*["']([\w.:-]+)["']""")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.I)
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.I)
_TEXT_CODEC = re.compile(r"ascii|big5|cp|euc|gb|hz|iso2022|iso8859|johab|koi8|mac|shift|tis|utf-8")
_SUPERSETS = {
    "gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "shift_jis": "cp932",
    "euc_kr": "cp949", "iso8859-1": "cp1252", "ascii": "cp1252",
}  # fmt: skip
"""What a label means in practice, by Python's names."""
_UNKNOWN_TO_PYTHON = {
    "x-gbk": "gbk", "gb_2312-80": "gb2312", "x-x-big5": "big5", "x-sjis": "shift_jis",
    "x-euc-jp": "euc_jp", "windows-949": "cp949", "iso88591": "latin-1", "utf": "utf-8",
}  # fmt: skip
_HAN = (
    "的一是不了在人有我他中大上到和地出道也年得就要下以生自去之可小心多天而能好都然日起成事只作想看文"
    "手十用主行方又如前所本面公同三已老从部分新美日月市，。、“”：《》「」（）"
    "这来国个说们为时会过学对后没于还发当无开见经长这來國個說們為時會過學對後沒於還發當無開見經長"
)
_KANA = "のにはをたがでとしれさあいるなもからりっくこそうンスルトラーイリ、。「」"
_GUESSES = {
    "gb18030": frozenset(_HAN),
    "big5hkscs": frozenset(_HAN),
    "euc_jp": frozenset(_HAN + _KANA),
    "cp932": frozenset(_HAN + _KANA),
    "cp949": frozenset("이다는의에을를가고하지은로한도기사대인"),
}
"""Encodings whose bytes fit each other, with the characters that are common in a text in them:
what is read in the wrong encoding has hardly any."""
_COMMON_ENOUGH = 0.04

HEAD = 4096
"""Bytes at a page's beginning in which it may say its encoding."""


def decode_page(body: bytes, headers: Mapping[str, str]) -> str:
    """A page's text. Takes the headers with names in lower case. Raises nothing.

    A byte order mark is believed; then UTF-8 if the bytes are that; then the header, the page's
    own `meta`, and the Chinese, Japanese and Korean encodings: the first that makes sense.
    """
    meta = _META.search(body[:HEAD])
    names = [_sent(headers), meta[1].decode("ascii", "replace") if meta else "", _declared(body)]
    return _decoded(body, _encodings(names))[0]


def decoded(body: bytes, headers: Mapping[str, str]) -> tuple[str, str]:
    """The text, fit for XML, and a note if it is in another encoding than it says ("" if not).

    Takes the headers with names in lower case. Control characters that XML forbids, lone
    surrogates, and numeric references to either are left out. Raises nothing.
    """
    text, note = _decoded(body, _encodings([_declared(body), _sent(headers)]))
    return _REFERENCE.sub(_sound_reference, sound(text)).lstrip("\ufeff \t\r\n"), note


def sound(text: str) -> str:
    """Without what XML forbids (XML 1.0 section 2.2)."""
    return _FORBIDDEN.sub("", text)


def _decoded(body: bytes, labels: Sequence[str]) -> tuple[str, str]:
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace"), ""
    if wide := _without_mark(body):
        return body.decode(wide, "replace"), ""
    text, encoding = _read(body, labels)
    if labels and encoding not in labels and not body.isascii():
        return text, f"it says it is in {labels[0]}, and is in {encoding}"
    return text, ""


def _without_mark(body: bytes) -> str:
    """UTF-16 or UTF-32 by the zeros of the first character, which is ASCII in every feed."""
    zeros = "".join("x" if byte else "0" for byte in body[:4])
    patterns = {"000x": "utf-32-be", "x000": "utf-32-le", "0x0x": "utf-16-be", "x0x0": "utf-16-le"}
    return patterns.get(zeros, "")


def _declared(body: bytes) -> str:
    """What the XML declaration says."""
    declared = _LABEL.match(body[:1024])
    return declared[1].decode("ascii", "replace") if declared else ""


def _sent(headers: Mapping[str, str]) -> str:
    charset = _CHARSET.search(headers.get("content-type", ""))
    return charset[1] if charset else ""


def _encodings(labels: Sequence[str]) -> list[str]:
    """The encodings that the labels mean, as Python calls them."""
    encodings = []
    for label in filter(None, labels):
        try:
            codec = codecs.lookup(_UNKNOWN_TO_PYTHON.get(label.lower(), label)).name
        except (LookupError, ValueError):
            continue
        if _TEXT_CODEC.match(codec):
            encodings.append(_SUPERSETS.get(codec, codec))
    return encodings


def _read(body: bytes, labels: Sequence[str]) -> tuple[str, str]:
    text = _strictly(body, "utf-8")
    if text is not None and (body.isascii() or _is_utf8(text) or {"utf-8", *labels} == {"utf-8"}):
        return text, "utf-8"
    text = body.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    rest = text.replace("\ufffd", "")
    # cut off inside a character, or with a few stray bytes: still UTF-8
    if broken * (3 if "utf-8" in labels else 20) <= len(_foreign(rest)) and _is_utf8(rest):
        return text, "utf-8"
    readings = {name: _strictly(body, name) for name in (*labels, *_GUESSES)}
    whole = {name: text for name, text in readings.items() if text is not None}
    for label in labels:
        if label in whole and label not in _GUESSES and _may_be(label, body):
            return whole[label], label
    shares = {name: _share(whole[name], _GUESSES[name]) for name in _GUESSES if name in whole}
    best = max(shares, key=shares.__getitem__, default="")
    for name in (*labels, best):
        if shares.get(name, 0) >= max(_COMMON_ENOUGH, shares.get(best, 0) / 2):
            return whole[name], name
    fallback = next((label for label in (*whole, *labels) if label in labels), "cp1252")
    return body.decode(fallback, "replace"), fallback


def _strictly(body: bytes, encoding: str) -> str | None:
    try:
        return body.decode(encoding)
    except UnicodeError:
        return None


def _is_utf8(text: str) -> bool:
    """Whether what decodes as UTF-8 does so by more than chance: two Chinese characters of GBK
    may (小模), and then make Latin or Cyrillic letters (Сģ).
    """
    foreign = _foreign(text)
    return len(foreign) >= 8 or any(character > "\u07ff" for character in foreign)


def _may_be(label: str, body: bytes) -> bool:
    """A Western label is given by default, and fits any bytes: but a Western text has letters
    beyond ASCII one by one, a Chinese one in long runs.
    """
    if label not in ("cp1252", "iso8859-15", "latin-1"):
        return True
    runs = re.findall(rb"[\x80-\xff]+", body)
    return sum(map(len, runs)) < 3 * len(runs)


def _share(text: str, common: frozenset[str]) -> float:
    foreign = _foreign(text)
    return sum(character in common for character in foreign) / max(len(foreign), 1)


def _foreign(text: str) -> str:
    return _ASCII.sub("", text)


def _sound_reference(match: re.Match[str]) -> str:
    """A numeric character reference, dropped if it is to no character XML has."""
    digits = match[1] or match[2]
    code = int(digits[-12:], 16 if match[1] else 10)
    beyond = len(digits.lstrip("0")) > 7 or code > 0x10FFFF
    return "" if beyond or _FORBIDDEN.match(chr(code)) else match[0]
