"""The rendered world of signs: words, fonts, scenes, their pictures and questions.

Below both the model trained on it (`core.pocket`) and the data sets made of it
(`core.bench.datasets`). It needs Pillow and NumPy only.
"""
