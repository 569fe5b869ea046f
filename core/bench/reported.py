"""What the paper reports, for beside what is measured here; never to be mixed with it.

Song and Kim, Collaborative Edge-to-Server Inference for Vision-Language Models, arXiv 2512.16349:
LLaVA-1.5-7B on TextVQA.
"""

SOURCE = "arXiv 2512.16349, LLaVA-1.5-7B on TextVQA"

# Metric -> (overlap, Bhattacharyya distance).
TABLE_II = {
    "min_entropy": (0.47, 0.33),
    "shannon_entropy": (0.54, 0.27),
    "probability_margin": (0.49, 0.24),
}
# Tokens averaged over (None: all) -> the same, of min-entropy.
TABLE_III = {1: (0.63, 0.19), None: (0.47, 0.33)}
