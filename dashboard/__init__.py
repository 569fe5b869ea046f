"""The Gradio dashboard: it draws what `core` computes."""
