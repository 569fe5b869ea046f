"""`python -m tools.support.one_by_one`: the page, whose model is asked by one visitor at a time.

What batching is held against: each of torch's threads still works at the same question.
"""

from dashboard.__main__ import main
from dashboard.walkthrough import events

if __name__ == "__main__":
    events.ON_MODEL["concurrency_limit"] = 1
    main()
