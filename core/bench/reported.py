"""What the paper reports, for beside what is measured here; never to be mixed with it.

Song and Kim, Collaborative Edge-to-Server Inference for Vision-Language Models, arXiv 2512.16349:
LLaVA-1.5-7B on TextVQA.
"""

__all__ = ["SOURCE", "TABLE_II", "TABLE_III"]

SOURCE = "arXiv 2512.16349, LLaVA-1.5-7B on TextVQA"

# Metric -> (overlap, Bhattacharyya distance).
TABLE_II = {
    "min_entropy": (0.47, 0.33),
    "shannon_entropy": (0.54, 0.27),
    "probability_margin": (0.49, 0.24),
}
# Tokens averaged over (None: all) -> the same, of min-entropy.
TABLE_III = {1: (0.63, 0.19), None: (0.47, 0.33)}

# Tokens that the language model reads: stage -> (visual, all).
TABLE_I = {"first": (576, 605), "second": (1152, 1181)}
# Additional cost at which LLaVA-1.5-HD is beaten, by data set; its own is HIGH_RESOLUTION_COST.
FIG_4 = {"TextVQA+OCR": 0.28, "POPE": 0.10}
HIGH_RESOLUTION_COST = 0.78
FIG_6_COST = 0.60  # additional cost of the accuracy of full retransmission
FIG_8_TOKENS = 5  # averaging over so many is as good as over all
FIG_12 = {"accuracy": 0.565, "gated": 0.25, "full": 0.40}  # relative costs of that accuracy
RELATIVE_FLOPS = 4.046  # of a retransmitted question, by eq. 18-20
