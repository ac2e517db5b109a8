"""What a source declares about the bodies it sends: `CleanRules`, and what each rule did."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Scramble:
    """Paragraphs in a wrong order, each with its place in an attribute.

    The place is `junk` characters, then the Base32 (RFC 4648 section 6) of a decimal number.
    """

    attribute: str
    junk: int


@dataclass(frozen=True, slots=True)
class CleanRules:
    """What a source family knows of its bodies. A rule that matches nothing does nothing.

    Regular expressions meet a block's text with the white space at its ends gone and `<br>` as
    a line end.
    """

    drop: tuple[str, ...] = ()
    """CSS selectors of elements to drop."""
    lift: tuple[str, ...] = ()
    """CSS selectors of elements of which only the content stays."""
    drop_text: tuple[str, ...] = ()
    """A block, a line of one, or a part of a caption of which one of these matches the whole
    text is dropped; the group `author` is kept aside."""
    header: tuple[str, ...] = ()
    """One of the first lines, if matched as a whole, is dropped; its groups `date` (or `year`,
    `month`, `day` and `time`) and `author` are kept aside."""
    footer: tuple[str, ...] = ()
    """From the block whose beginning one of these matches, everything is dropped."""
    image_proxies: tuple[str, ...] = ()
    """An image address matched as a whole is replaced by its group 1, percent-decoded, with
    `https://` before it if it has no scheme."""
    image_sizes: tuple[str, ...] = ()
    """What in an image's address tells its size alone."""
    scrambled: tuple[Scramble, ...] = ()


NO_RULES = CleanRules()


@dataclass(frozen=True, slots=True)
class RuleEffect:
    """What one rule did to one body: how many elements, lines or images it changed."""

    action: str
    """The name of the CleanRules field, or `repeat`: the first image stood there again."""
    rule: str
    count: int


def combine(*rules: CleanRules) -> CleanRules:
    """All the rules of several families, in their order, each once."""
    return CleanRules(
        *(
            tuple(dict.fromkeys(rule for family in rules for rule in getattr(family, field.name)))
            for field in fields(CleanRules)
        )
    )
