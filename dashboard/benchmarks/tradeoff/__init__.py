"""The tradeoff tab: what a second look costs and brings, and where to put η."""
