from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.model import Reason
from aggregator.core.query import Answer, Document, Query, parse_query
from aggregator.core.query_grammar import MAX_DEPTH, MAX_LENGTH
from aggregator.core.query_tree import And, Node, Not, Or, Term
from aggregator.core.text import plain_text
from aggregator.errors import QueryError

SEEDS = sorted((Path(__file__).parents[2] / "seeds").glob("*.txt"))
ALIASES = {
    "塔利班": ("塔里班", "Taliban", "طالبان"),
    "kabul": ("喀布尔", "Kaboul"),
    "IEA": ("Islamic Emirate",),
}
PUBLISHED = datetime(2021, 8, 15, 0, 0, tzinfo=UTC)


def article(body: str | None = "", **fields: str) -> Document:
    return Document.of(body=body, published=PUBLISHED, **fields)  # type: ignore[arg-type] # tests name them


def answer(query: str, document: Document) -> Answer:
    return parse_query(query, ALIASES).judge(document).answer


def takes(query: str, document: Document) -> bool:
    found = answer(query, document)
    assert found is not Answer.UNKNOWN
    return found is Answer.YES


# --- terms -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.stem[:3])
@pytest.mark.parametrize(
    "query",
    ["阿富汗 OR 塔利班", "塔利班 阿富汗", "（阿富汗　OR　「塔利班」）", "@塔利班", "taliban"],
)
def test_the_seeds_are_about_afghanistan_however_it_is_asked(seed: Path, query: str) -> None:
    body = plain_text(seed.read_text(encoding="utf-8"))
    verdict = parse_query(query, ALIASES).judge(article(body))
    assert verdict.answer is Answer.YES
    assert all(re.search("阿富汗|塔利班", reason.snippet) for reason in verdict.reasons)
    assert not takes("足球 OR 体育", article(body))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("談判", "与塔利班恢复谈判"),
        ("谈判", "與塔利班恢復談判"),
        ("塔利", "阿富汗塔利班"),
        ("TALIBAN", "Ｔａｌｉｂａｎ"),
        ("Taliban", "塔利班Taliban武装"),
        ("Taliban武装", "塔利班 Taliban武装分子"),
        ("Taliban", "the Taliban's men"),
        ("talib*", "the Taliban"),
        ("talib＊", "the Taliban"),
        ("塔利*", "阿富汗塔利班"),
        ("Kabul-based", "a Kabul-based group"),
        ("naïve", "Naive hopes"),
        ("9月", "2021年9月1日"),
        ("カブール", "首都カブールを制圧"),
        ("카불", "카불을 점령"),
        ("c++", "in C++."),
        ("扎尔迈·哈利勒扎德", "特使扎尔迈 哈利勒扎德说"),
        ("扎尔迈·哈利勒扎德", "特使扎爾邁・哈利勒扎德說"),
        ('"扎尔迈 哈利勒扎德"', "特使扎尔迈·哈利勒扎德说"),
        ("扎尔迈哈利勒扎德", "特使扎尔迈·哈利勒扎德说"),
        ("Zalmay·Khalilzad", "envoy Zalmay Khalilzad"),
        ('"Islamic Emirate"', "the  Islamic\nEmirate of"),
        ("“美国 国务院”", "美国国务院"),
        (r'"say \"no\""', 'they say "no" now'),
        ("/塔利班.{0,6}谈判/", "塔利班恢复的谈判"),
        ("/谈判？/", "谈判？"),
        ("/塔利班.{0,6}談判/", "塔利班恢復談判"),
        (r"/[A-Z]ALIB\w+/", "the Taliban"),
        (r"/\b(kabul|herat)\b/", "喀布尔Kabul机场"),
        ("/（9月[一-龥]+）/", "塔利班（9月宣布）"),
        (r"/a\/b/", "a/b"),
        ("12:30", "at 12:30 today"),
        ("塔里班", "طالبان"),
        ("@KABUL", "喀布爾機場"),
        ("Kabul", "喀布尔"),
    ],
)
def test_a_term_is_found(query: str, text: str) -> None:
    assert takes(query, article(text))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("Talib", "the Taliban"),
        ("iban", "the Taliban"),
        ("iban*", "the Taliban"),
        ("is", "this isle"),
        ("9", "2019"),
        ("हिन", "हिन्दी"),
        ('"Islamic Emirate"', "Islamic and Emirate"),
        ('"Kabul"', "喀布尔"),
        ("Kabu*", "喀布尔"),
        ("/塔利班.{0,2}谈判/", "塔利班恢复的谈判"),
        ("/谈判？/", "谈"),
        ("塔利班", ""),
    ],
)
def test_a_term_is_not_found(query: str, text: str) -> None:
    assert not takes(query, article(text))


def test_a_language_tag_is_compared_by_its_subtags() -> None:
    assert not takes("lang:zh", article("", language="zha"))
    assert takes("lang:zh-tw", article("", language="zh_TW"))


def test_a_spelling_of_two_aliases_stands_for_both() -> None:
    query = parse_query("IS", {"伊斯兰国": ("IS", "ISIS"), "以色列": ("IS", "Israel")})
    for text in ("伊斯兰国", "ISIS", "以色列", "Israel", "IS"):
        assert query.judge(article(text)).answer is Answer.YES


def test_words_after_a_false_start_are_found() -> None:
    assert takes("ban", article("Taliban ban"))
    assert takes("aa", article("aaa aa"))


# --- fields ------------------------------------------------------------------------------------

FULL = Document.of(
    title="美國特使前往卡塔爾",
    lead="敦促塔利班停止进攻",
    body="敦促塔利班停止进攻。本报记者",
    author="王世纯",
    categories=("新媒体", "Aljazeera 半岛网"),
    outlet="观察者网",
    feeds=("guancha", "feedx-voa"),
    language="zh-Hans-CN",
    url="https://www.guancha.cn/internation/2021_08_10.shtml",
    published=PUBLISHED,
)


@pytest.mark.parametrize(
    "query",
    [
        *("title:美国", "title：美国", "TITLE:特使", "lead:塔利班", "body:记者", "author:王世纯"),
        *("category:aljazeera", "outlet:观察者", "feed:guancha", "feed:feedx*", "lang:zh"),
        *("lang:zh-hans", "lang:zh-Hans-CN", "url:guancha.cn/internation", "半岛网"),
        *("url:https://www.guancha.cn/", "title:(特使 卡塔尔)", "lang:(en OR zh)", "body:/记者$/"),
        *("after:2021-08-15", "after:2021-8", "after:2021", "before:2021-08-16", "before:2022"),
        *("title: 美国", "-title:塔利班", "after:「2021-08-15」"),
    ],
)
def test_a_field_is_looked_into(query: str) -> None:
    assert takes(query, FULL)


@pytest.mark.parametrize(
    "query",
    [
        *(
            "title:塔利班",
            "lead:记者",
            "author:塔利班",
            "王世纯",
            "观察者网",
            "feed:guan",
            "feed:voa",
        ),
        *("lang:zh-Hant", "lang:en", "url:aljazeera", "title:(特使 OR 美国) body:特使"),
        *("after:2021-08-16", "before:2021-08-15", "before:2021-08", "before:2021"),
    ],
)
def test_a_field_is_not_found_where_it_is_not(query: str) -> None:
    assert not takes(query, FULL)


# --- how terms are joined ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("甲 乙", True),
        ("甲 AND 乙", True),
        ("甲 丙", False),
        ("甲 OR 丙 丁", True),
        ("(甲 OR 丙) 丁", False),
        ("丙 OR 丁 OR 乙", True),
        ("甲 -乙", False),
        ("甲 －丙", True),
        ("甲 NOT (丙 OR 丁)", True),
        ("NOT 甲 OR 乙", True),
        ("NOT (甲 OR 乙)", False),
        ("--甲", True),
        ("-(甲 丙)", True),
        ("甲\n  OR\t丙", True),
        ("甲乙 or", False),
        ('(甲)("乙")', True),
    ],
)
def test_terms_are_joined(query: str, expected: bool) -> None:
    assert takes(query, article("甲，乙")) is expected


# --- mistakes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "column", "what", "hint"),
    [
        ("", 1, "empty", "word"),
        (" 　 ", 1, "empty", "word"),
        ('甲 "乙', 3, "quote that is not closed", '"'),
        ("甲 「乙", 3, "quote that is not closed", "」"),
        ("乙」", 2, "not opened", "leave it out"),
        ("甲 (乙 OR (丙)", 3, "( that is not closed", ")"),
        ("甲) 乙", 2, ") without", "leave it out"),
        ("甲 ()", 3, "nothing between", "leave"),
        ("甲 OR", 3, "after OR", "must follow"),
        ("OR 甲", 1, "OR in the wrong place", "quote"),
        ("甲 OR OR 乙", 3, "after OR", "must follow"),
        ("(甲 OR) 乙", 4, "after OR", "must follow"),
        ("甲 -", 3, "- without a word", "-word"),
        ("甲 title:", 3, "after title:", "must follow"),
        ("甲 titel:乙", 3, "unknown field titel:", "did you mean title:"),
        ("专家：塔利班", 1, "unknown field 专家:", '"专家：'),
        ("甲 topic:kabul", 3, "topic: is not supported in this version", "query"),
        ("title:(甲 body:乙)", 10, "inside title:", "close"),
        ("甲 @kabool", 3, "unknown alias @kabool", "did you mean @kabul"),
        ("@", 1, "without a name", "@name"),
        ("feed:@kabul", 6, "takes no alias", "feed:"),
        ("甲 /乙(/", 3, "bad regular expression: missing )", "RE2"),
        ("甲 /乙(?=丙)/", 3, "bad regular expression", "RE2"),
        ("/(a{1000}){1000}/", 1, "bad regular expression", "RE2"),
        (r"/\C/", 1, "not supported", "any character"),
        ("/乙*/", 1, "matches every text", "character"),
        ("甲 /乙", 3, "not closed", "/"),
        ("//", 1, "empty regular expression", "quote"),
        ("甲 after:2021-02-30", 9, "2021-02-30 is not a date", "2021-08"),
        ("before:yesterday", 8, "yesterday is not a date", "before:2021"),
        ("after:/2021/", 7, "is not a date", "after:"),
        ("after:0000", 7, "is not a date", "after:"),
        ("lang:z", 6, "not a language tag", "lang:zh"),
        ("title:-甲", 1, "after title:", "must follow"),
        ("lang:中文", 6, "not a language tag", "lang:zh"),
        ("lang:/zh/", 6, "language tag", "lang:zh"),
        ("塔*班", 1, "end of a word", '"塔*班"'),
        ("*", 1, "end of a word", '"*"'),
        ("甲 \u200b", 3, "nothing in it", "letters"),
        ('""', 1, "nothing in it", "letters"),
        ("-" * (MAX_DEPTH + 1) + "甲", MAX_DEPTH + 1, "nests too deep", str(MAX_DEPTH)),
        ("甲" * (MAX_LENGTH + 1), MAX_LENGTH + 1, "10001 characters", "10000"),
    ],
)
def test_a_mistake_is_named_at_its_column(query: str, column: int, what: str, hint: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_query(query, ALIASES)
    error = caught.value
    assert (error.column, error.text) == (column, query)
    assert what in error.what
    assert hint in error.hint
    str(error).encode()


def test_the_deepest_and_the_longest_query_are_read_and_judged() -> None:
    deepest = "-(甲 OR " * (MAX_DEPTH // 2) + "乙" + ")" * (MAX_DEPTH // 2)
    for query in (deepest, "甲 " * (MAX_LENGTH // 2), "(" * MAX_DEPTH + "甲" + ")" * MAX_DEPTH):
        read = parse_query(query)
        assert parse_query(str(read)) == read
        read.judge(article("甲"))


def test_many_negations_beside_each_other_are_not_deep() -> None:
    assert takes("-乙 NOT 丙 -(丁) " * MAX_DEPTH + "甲", article("甲"))


@given(st.text(st.one_of(st.sampled_from('()"“」/\\-*:@甲aO R（：'), st.characters(codec=None))))
def test_any_text_is_a_query_or_a_query_error(text: str) -> None:
    mistake: QueryError | None = None
    try:
        query = parse_query(text)
    except QueryError as error:
        mistake = error
    if mistake is None:
        assert parse_query(str(query)) == query
        query.judge(FULL)
    else:
        assert 1 <= mistake.column <= max(1, len(text))
        str(mistake).encode()


@pytest.mark.parametrize(
    "query",
    [
        "(" * MAX_LENGTH,
        '"' * (MAX_LENGTH - 1),
        '\\"/' * 3333,
        "x:" * 5000,
        "/" + "(a*)*" * 1900 + "/",
    ],
)
def test_a_hostile_query_is_answered_soon(query: str) -> None:
    started = time.process_time()
    with pytest.raises(QueryError):
        parse_query(query)
    assert time.process_time() - started < 5


def test_a_hostile_regular_expression_takes_linear_time() -> None:
    started = time.process_time()
    assert not takes("/(a+)+(a+)+$b/", article("a" * 50_000))
    assert time.process_time() - started < 5


# --- why ---------------------------------------------------------------------------------------


def reasons(query: str, document: Document) -> tuple[Reason, ...]:
    return parse_query(query, ALIASES).judge(document).reasons


def test_a_reason_names_the_term_its_field_and_what_stands_there() -> None:
    assert reasons("塔利班 title:美国 -体育 (足球 OR 记者)", FULL) == (
        Reason("塔利班", "lead", "敦促塔利班停止进攻"),
        Reason("title:美国", "title", "美國特使前往卡塔爾"),
        Reason("记者", "body", "敦促塔利班停止进攻。本报记者"),
    )


def test_a_snippet_is_the_text_as_it_is_read_with_twenty_characters_either_side() -> None:
    body = "甲" * 30 + "，扎爾邁·哈利勒扎德\n\n（Ｅnvoy）說：" + "乙" * 30
    (reason,) = reasons("扎尔迈·哈利勒扎德", article(body))
    assert reason.snippet == "…" + "甲" * 19 + "，扎爾邁·哈利勒扎德 （Ｅnvoy）說：" + "乙" * 9 + "…"
    (reason,) = reasons("/envoy/", article("Envoy"))
    assert reason.snippet == "Envoy"


def test_an_alias_shows_the_spelling_that_was_found() -> None:
    assert reasons("@塔利班 喀布尔", article("The Taliban entered Kabul.")) == (
        Reason("@塔利班", "body", "The Taliban entered Kabul."),
        Reason("喀布尔", "body", "The Taliban entered Kabul."),
    )


def test_a_term_gives_one_reason_and_what_did_not_decide_gives_none() -> None:
    document = article("甲乙")
    assert [reason.term for reason in reasons("甲 (甲 OR 乙)", document)] == ["甲", "乙"]
    assert [reason.term for reason in reasons("甲 OR (乙 丙)", document)] == ["甲"]
    assert [reason.term for reason in reasons("-丙", document)] == []
    assert [reason.term for reason in reasons("-(丙 OR -乙)", document)] == ["乙"]
    assert reasons("丙", document) == ()


def test_fields_give_their_value_as_the_snippet() -> None:
    assert reasons("lang:zh feed:guancha after:2021-08", FULL) == (
        Reason("lang:zh", "lang", "zh-Hans-CN"),
        Reason("feed:guancha", "feed", "guancha"),
        Reason("after:2021-08", "published", "2021-08-15T00:00+00:00"),
    )


# --- before the body is fetched ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("特使", Answer.YES),
        ("塔利班", Answer.UNKNOWN),
        ("-塔利班", Answer.UNKNOWN),
        ("-特使", Answer.NO),
        ("特使 塔利班", Answer.UNKNOWN),
        ("特使 OR 塔利班", Answer.YES),
        ("title:足球 塔利班", Answer.NO),
        ("title:足球 OR 塔利班", Answer.UNKNOWN),
        ("title:足球", Answer.NO),
        ("body:特使", Answer.UNKNOWN),
        ("author:王", Answer.UNKNOWN),
        ("after:2021", Answer.UNKNOWN),
        ("feed:guancha", Answer.YES),
        ("feed:voa", Answer.NO),
        ("/塔利班/", Answer.UNKNOWN),
        ("-(塔利班 title:足球)", Answer.YES),
    ],
)
def test_only_what_is_certain_is_answered_before_the_body(query: str, expected: Answer) -> None:
    assert answer(query, Document.of(title="美国特使", feeds=("guancha",))) is expected


# --- laws --------------------------------------------------------------------------------------

WORDS = (
    "甲 乙 塔利班 Kabul a ab* 甲* OR. 12:30 C++ -甲 @kabul /甲./ title:甲 body：a url:a/b:c "
    "lang:zh lead:@塔利班 after:2021-08-15 before:2021 feed:x"
)
words = st.sampled_from(
    [*WORDS.split(), '"甲 乙"', '"OR"', r'"a \" ” \\ b"', "「甲」", "title:(甲 OR b)", "NOT a"]
)
queries = st.recursive(
    words,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: f"({two[0]} OR {two[1]})"),
        st.tuples(inner, inner).map(" ".join),
        st.tuples(inner, inner).map(lambda two: f"{two[0]} OR {two[1]}"),
        inner.map(lambda one: f"-({one})"),
    ),
    max_leaves=8,
)
pieces = st.lists(st.sampled_from([*"甲乙ab ", "塔利班", " Kabul ", " 12:30 ", "OR"]), max_size=8)
texts = pieces.map("".join)


@given(queries)
def test_a_printed_query_is_read_as_the_same_query(text: str) -> None:
    query = parse_query(text, ALIASES)
    assert parse_query(str(query), ALIASES) == query
    assert hash(parse_query(str(query), ALIASES)) == hash(query)


def nodes(leaf: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(leaf, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        leaf.map(Not),
        several.filter(lambda parts: not any(isinstance(part, And) for part in parts)).map(And),
        several.filter(lambda parts: not any(isinstance(part, Or) for part in parts)).map(Or),
    )


plain_terms: st.SearchStrategy[Node] = st.sampled_from(
    [Term("甲", "", ("甲",)), Term("b", "title", ("b",)), Term('"c d"', "", ("c d",))]
)


@given(st.recursive(plain_terms, nodes, max_leaves=12))
def test_a_printed_tree_is_read_as_the_same_tree(tree: Node) -> None:
    assert parse_query(str(Query(tree))).root == tree


@given(queries, texts, texts, texts, texts, st.booleans())
def test_what_is_answered_before_the_body_stays_so(
    query: str, title: str, lead: str, body: str, author: str, dated: bool
) -> None:
    read = parse_query(query, ALIASES)
    early = Document.of(title=title, feeds=("x",), published=PUBLISHED if dated else None)
    late = Document.of(
        title=title or lead,
        lead=lead,
        body=body,
        author=author,
        feeds=("x",),
        language="zh",
        url="http://a/b:c",
        published=PUBLISHED,
    )
    before, after = read.judge(early), read.judge(late)
    assert after.answer is not Answer.UNKNOWN
    assert before.answer in (after.answer, Answer.UNKNOWN)


@given(queries, queries, texts, st.one_of(st.none(), texts))
def test_negation_and_de_morgan_hold(one: str, other: str, title: str, body: str | None) -> None:
    document = Document.of(title=title, body=body)
    assert answer(f"-({one})", document) is ~answer(one, document)
    both, either = f"-(({one}) ({other}))", f"-({one}) OR -({other})"
    assert answer(both, document) is answer(either, document)
