"""Does the map tell the truth? Checks of a word importance, each with its direction and beside what chance would give.

There is no one number of trust: the checks ask different things, and where they disagree that is said.
"""

from explain.faithfulness.agreement import rank_agreement
from explain.faithfulness.checking import check_map, check_passes
from explain.faithfulness.randomised import shuffled
from explain.faithfulness.report import Curve, Faithfulness, Measure
from explain.faithfulness.settings import CheckSettings

__all__ = ["CheckSettings", "Curve", "Faithfulness", "Measure", "check_map", "check_passes", "rank_agreement", "shuffled"]
