"""Texts made comparable: folded, reduced to letters, cut into words and bigrams.

    HTML --plain_text--> text --fold--> folded --letters--> what fingerprints are made from
                                           `---bigrams--> what a search index holds

Folding works character by character: what a piece of text folds to does not depend
on what stands around it (but for white space at its ends). Only so is a term that is
found in a text also found in the folded text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from html import unescape

import opencc
from lxml import etree

# --- which script a character is of ------------------------------------------------------------

_HAN = "々〇〡-〩\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_KANA = "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_HANGUL = "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"
_BOPOMOFO = "\u3105-\u312f"
_THAI = "\u0e01-\u0e4e"
_LAO_BURMESE_KHMER = "\u0e80-\u0edf\u1000-\u109f\u1780-\u17d3"
_UNSPACED = _HAN + _KANA + _HANGUL + _BOPOMOFO + _THAI + _LAO_BURMESE_KHMER

_han = re.compile(f"[{_HAN}]").match
_unspaced = re.compile(f"[{_UNSPACED}]").match
_UNSPACED_RUNS = re.compile(f"[{_UNSPACED}]+")


def is_han(character: str) -> bool:
    """Whether it is a Chinese character."""
    return _han(character) is not None


def is_unspaced(character: str) -> bool:
    """Whether it is of a script in which words are found anywhere, not only between spaces.

    Han, kana, Thai, Lao, Burmese and Khmer put no spaces between words; Hangul writes
    particles onto them.
    """
    return _unspaced(character) is not None


def count_unspaced(text: str) -> int:
    """How many characters are of scripts that put no spaces between words."""
    return sum(map(len, _UNSPACED_RUNS.findall(text)))


def is_spaced(character: str) -> bool:
    """Whether it is part of a word in a script that puts spaces between words."""
    if is_unspaced(character):
        return False
    return character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M"


# --- folding -----------------------------------------------------------------------------------

_ACCENTS = (
    (0x0300, 0x036F),
    (0x0483, 0x0489),  # Cyrillic
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20F0),
    (0xFE20, 0xFE2F),
    (0x0591, 0x05BD),  # Hebrew points
    (0x064B, 0x0655),  # Arabic vowel signs
    (0x0670, 0x0670),
    (0x0640, 0x0640),  # the stroke that lengthens an Arabic word
)
_INVISIBLE = (
    (0x0000, 0x0008),
    (0x000E, 0x001B),
    (0x007F, 0x0084),
    (0x0086, 0x009F),
    (0x00AD, 0x00AD),  # soft hyphen
    (0x061C, 0x061C),
    (0x115F, 0x1160),  # Hangul fillers
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0xD800, 0xDFFF),  # lone surrogates
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),
    (0xE0000, 0xE01EF),
)
_SAME_LETTER = {
    "著": "着",  # OpenCC tells them apart by the word (看著, 著名), which a single term has not
    "ی": "ي",  # Persian yeh and kaf are the Arabic ones in other code points
    "ى": "ي",
    "ک": "ك",
}
_IDEOGRAPHS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0x20000, 0x323AF))


@cache
def _folded_characters() -> Mapping[int, str | None]:
    """What each character becomes after its decomposition; None where it is dropped."""
    table: dict[int, str | None] = dict(_simplified())
    table.update({ord(character): same for character, same in _SAME_LETTER.items()})
    for first, last in _ACCENTS + _INVISIBLE:
        table.update(dict.fromkeys(range(first, last + 1)))
    return table


def _simplified() -> dict[int, str]:
    """Traditional characters with their simplified ones, each by itself.

    OpenCC converts words and leaves 乾 in 乾隆 as it is; then 乾 alone, which
    becomes 干, would not be found in it.
    """
    characters = [chr(code) for first, last in _IDEOGRAPHS for code in range(first, last + 1)]
    convert = opencc.OpenCC("t2s").convert
    simplified: dict[str, str] = dict(
        zip(characters, convert("\n".join(characters)).split("\n"), strict=True)
    )
    table = {}
    for character in characters:
        target = simplified[character]
        while simplified.get(target, target) != target:  # 薴 → 苧 → 苎
            target = simplified[target]
        if target != character:
            table[ord(character)] = target
    return table


def fold(text: str) -> str:
    """The text as it is compared: equal for what a reader takes for the same.

    NFKC, case folding (Unicode 3.13), traditional to simplified Chinese, accents of
    alphabetic scripts dropped, invisible characters dropped, white space as single
    spaces and none at the ends. Folding twice changes nothing.
    """
    decomposed = unicodedata.normalize("NFKD", text)
    folded = decomposed.translate(_folded_characters()).casefold()
    return " ".join(unicodedata.normalize("NFC", folded).split())


_NOT_LETTERS = re.compile(r"[\W_]+")


def letters(folded: str) -> str:
    """Only the letters, digits and Chinese characters of a folded text."""
    return _NOT_LETTERS.sub("", folded)


_MIDDLE_DOT = "·・•‧⋅∙"
_GAP_IN_NAME = re.compile(f"(?<=[{_UNSPACED}])[ {_MIDDLE_DOT}]+(?=[{_UNSPACED}])")
_DOTS = re.compile(f" ?[{_MIDDLE_DOT}]+ ?")


def joined(folded: str) -> str:
    """A folded text with the gaps inside names closed.

    扎尔迈·哈利勒扎德, 扎尔迈 哈利勒扎德 and 扎尔迈哈利勒扎德 become the same. A middle dot
    beside a script that spaces its words becomes a space.
    """
    return _DOTS.sub(" ", _GAP_IN_NAME.sub("", folded)).strip()


_RUN = re.compile(rf"(?P<unspaced>[{_UNSPACED}]+)|[^\W{_UNSPACED}]+")


def bigrams(folded: str) -> tuple[str, ...]:
    """What an index holds of a folded text, in its order.

    Overlapping pairs where words are found anywhere (塔利班 gives 塔利, 利班; a
    character that stands alone gives itself), whole words elsewhere.
    """
    return tuple(_bigrams(folded))


def _bigrams(folded: str) -> Iterator[str]:
    for match in _RUN.finditer(folded):
        run = match.group()
        if match["unspaced"] and len(run) > 1:
            yield from (run[at : at + 2] for at in range(len(run) - 1))
        else:
            yield run


# --- HTML --------------------------------------------------------------------------------------

# fmt: off
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd", "details",
    "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1",
    "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html", "legend", "li", "main", "menu",
    "nav", "ol", "option", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th",
    "thead", "tr", "ul",
})
# fmt: on
_UNSEEN = frozenset({"script", "style", "template", "title", "iframe", "noembed", "noframes"})
_TAG = re.compile(r"<[^<>]*>")
_SPACE = re.compile(r"\s+")
_UNENCODABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]+")


def plain_text(html: str) -> str:
    """The text of an HTML fragment, a line for each block, entities decoded.

    White space inside a block is single spaces. Never raises, whatever the markup.
    """
    html = _UNENCODABLE.sub("", html)
    if "<" not in html:
        return " ".join(unescape(html).split())
    parser = etree.HTMLParser(
        encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(html.encode(), parser)
        # "fatal": elements nest thousands deep, and the parser stopped there
        whole = root is not None and all(each.level_name != "FATAL" for each in parser.error_log)
    except etree.XMLSyntaxError:
        whole = False
    text = "".join(_pieces(root)) if whole else unescape(_TAG.sub("\n", html))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _pieces(root: etree._Element) -> Iterator[str]:
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        if element.tag in _BLOCKS:
            yield "\n"
        if event == "end":
            yield _SPACE.sub(" ", element.tail or "")
        elif element.tag in _UNSEEN:
            walk.skip_subtree()
        else:
            yield _SPACE.sub(" ", element.text or "")


# --- language ----------------------------------------------------------------------------------

_SCRIPTS = {
    "han": re.compile(f"[{_HAN}]"),
    "kana": re.compile(f"[{_KANA}]"),
    "hangul": re.compile(f"[{_HANGUL}]"),
    "thai": re.compile(f"[{_THAI}]"),
    "cyrillic": re.compile("[\u0400-\u052f]"),
    "arabic": re.compile("[\u0620-\u06d3\u06fa-\u06ff\u0750-\u077f]"),
    "hebrew": re.compile("[א-ת]"),
    "greek": re.compile("[\u0370-\u03ff\u1f00-\u1fff]"),
    "devanagari": re.compile("[\u0904-\u0939]"),
    "latin": re.compile("[A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ]"),
}
_LANGUAGE_OF_SCRIPT = {
    "han": "zh",
    "hangul": "ko",
    "thai": "th",
    "hebrew": "he",
    "greek": "el",
    "devanagari": "hi",
}
_HAN_WEIGHT = 5  # a Chinese character says what about five Latin letters say
_SAMPLE = 5000
_KANA_SHARE = 0.1  # of a Japanese text at the very least; a Chinese one quotes の now and then

_SMALL_WORDS = {
    "en": "the of and to in is that for on with was are has as by",
    "de": "der die das und ist nicht von mit den ein eine auf im zu",
    "fr": "le la les des et est une dans que qui pour du au sur",
    "es": "el la los las y que del una por con para se es su",
    "it": "il di che la per non una del della sono con gli è",
    "pt": "o os as que não uma do da para com em dos no é",
    "nl": "de het een van en is niet op dat met voor zijn",
    "tr": "ve bir bu için ile olarak de da çok olan",
    "id": "yang dan di dengan untuk dari ini itu pada tidak",
    "vi": "và của là có cho không được một trong người",
}
_LANGUAGES_OF_WORD = {
    word: tuple(language for language, words in _SMALL_WORDS.items() if word in words.split())
    for words in _SMALL_WORDS.values()
    for word in words.split()
}


def detect_language(text: str) -> str:
    """The BCP 47 primary language tag of a text, by its script and its commonest words.

    Empty for a text without letters of a known script. A Latin text with none of the
    words known here is taken for English, a Cyrillic one for Russian.
    """
    sample = text[:_SAMPLE]
    counts = {script: len(found.findall(sample)) for script, found in _SCRIPTS.items()}
    kana, han = counts.pop("kana"), counts["han"]
    counts["han"] = (han + kana) * _HAN_WEIGHT
    script = max(counts, key=counts.__getitem__)
    if not counts[script]:
        return ""
    if script == "han" and kana >= _KANA_SHARE * (han + kana):
        return "ja"
    if script == "latin":
        return _latin_language(sample)
    if script == "cyrillic":
        return "uk" if re.search("[іїєґІЇЄҐ]", sample) else "ru"
    if script == "arabic":
        return _arabic_language(sample)
    return _LANGUAGE_OF_SCRIPT[script]


def _latin_language(sample: str) -> str:
    votes = dict.fromkeys(_SMALL_WORDS, 0)  # English first: it wins a draw
    for word in re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", sample).lower()):
        for language in _LANGUAGES_OF_WORD.get(word, ()):
            votes[language] += 1
    return max(votes, key=votes.__getitem__)


def _arabic_language(sample: str) -> str:
    if re.search("[ټډړږښڼۍ]", sample):
        return "ps"
    if re.search("[ٹڈڑںے]", sample):
        return "ur"
    return "fa" if re.search("[پچژگیک]", sample) else "ar"
