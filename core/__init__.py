"""Collaborative edge-to-server inference for vision-language models (arXiv 2512.16349)."""
