"""The Walkthrough tab: one question through both machines."""
