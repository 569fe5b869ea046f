"""Is this model read as it was published? What a careful person checks on the first run with it.

`checks.verify` returns a `report.Report`: text for people, JSON for programs. Each check finds its
fault by other means than the code it checks: the geometry by painting on a picture, the attention
row and the scores by a plain pass of the model without any cache, prompt and ends from the
checkpoint's files.
"""
