"""Learnt weights of stories, in log-odds per unit of each feature.

Made by `python -m bench.quality train`; not to be edited.
"""

from __future__ import annotations

from typing import Final

EVENT_BIAS: Final = -6.396
EVENT_WEIGHTS: Final[dict[str, float]] = {
    "top_title_word": 0.147,
    "number_conflict": -1.534,
    "length_ratio": 0.584,
    "day_conflict": -0.806,
    "title_in_other": 1.654,
    "rare_sum": 0.031,
    "name_share": -0.669,
    "log_hours": -0.365,
    "soft_min": 2.025,
    "soft_max": 1.650,
    "direction_conflict": -0.328,
    "grams": 2.904,
    "rare_count": 0.546,
    "subject_conflict": -1.504,
    "same_feed_words": -5.133,
    "words_soon": 4.415,
    "session_conflict": -1.564,
    "session_same": -1.620,
    "words": 1.165,
}

STORY_BIAS: Final = -3.743
STORY_WEIGHTS: Final[dict[str, float]] = {
    "top_title_word": -0.031,
    "number_conflict": -1.568,
    "length_ratio": 0.410,
    "day_conflict": -0.156,
    "title_in_other": 0.895,
    "rare_sum": 0.054,
    "name_share": 1.857,
    "log_hours": -0.064,
    "soft_min": 1.082,
    "soft_max": 0.550,
    "direction_conflict": -1.684,
    "grams": 0.198,
    "rare_count": 0.526,
    "subject_conflict": -1.615,
    "same_feed_words": -0.992,
    "words_soon": 3.183,
    "session_conflict": -2.399,
    "session_same": -2.917,
    "words": 1.096,
}

TITLES_BIAS: Final = -4.363
TITLES_WEIGHTS: Final[dict[str, float]] = {
    "name_share": 0.770,
    "soft_min": 2.302,
    "letters_min": 1.755,
    "letters_max": 1.807,
    "lead": 1.964,
    "quotes_share": 0.721,
    "quotes_conflict": -1.509,
    "amount_conflict": -0.997,
    "direction_conflict": -3.450,
    "open_close": -3.952,
    "shared": 0.163,
}
