"""Learnt weights of stories, in log-odds per unit of each feature. Made by a command; do not edit:

python -m bench.stories --train
"""

from __future__ import annotations

from typing import Final

EVENT_BIAS: Final = -6.553
EVENT_WEIGHTS: Final[dict[str, float]] = {
    "top_title_word": 0.195,
    "number_conflict": -1.481,
    "length_ratio": 0.574,
    "day_conflict": -0.804,
    "title_in_other": 1.607,
    "rare_sum": 0.043,
    "name_share": -0.648,
    "log_hours": -0.342,
    "soft_min": 1.956,
    "soft_max": 1.615,
    "direction_conflict": -0.205,
    "grams": 2.998,
    "rare_count": 0.520,
    "subject_conflict": -1.532,
    "same_feed_words": -5.227,
    "words_soon": 4.395,
    "session_conflict": -1.547,
    "session_same": -1.531,
    "words": 1.142,
}

STORY_BIAS: Final = -3.821
STORY_WEIGHTS: Final[dict[str, float]] = {
    "top_title_word": -0.034,
    "number_conflict": -1.595,
    "length_ratio": 0.374,
    "day_conflict": -0.109,
    "title_in_other": 0.813,
    "rare_sum": 0.071,
    "name_share": 1.677,
    "log_hours": -0.062,
    "soft_min": 0.906,
    "soft_max": 0.548,
    "direction_conflict": -1.700,
    "grams": 0.087,
    "rare_count": 0.238,
    "subject_conflict": -1.674,
    "same_feed_words": -0.918,
    "words_soon": 3.365,
    "session_conflict": -2.425,
    "session_same": -2.880,
    "words": 1.598,
}

TITLES_BIAS: Final = -3.254
TITLES_WEIGHTS: Final[dict[str, float]] = {
    "number_conflict": -0.406,
    "name_share": 0.781,
    "soft_min": 4.544,
    "soft_max": 2.863,
    "direction_conflict": -4.266,
    "subject_conflict": -0.328,
    "subject_same": 1.521,
    "session_conflict": -0.299,
    "longest_run": -2.146,
    "shared": 0.163,
    "top_word": 0.034,
    "cosine": -0.765,
}
