"""Figures of runs, as plain data for Plotly: for the dashboard, and for reports."""
