"""Is this model read as it was published? What a careful person checks on the first run with it.

`verify` returns a `Report`: text for people, JSON for programs. Each check finds its fault by other
means than the code it checks: the geometry by painting on a picture, the attention row and the
scores by a plain pass of the model without any cache, prompt and ends from the checkpoint's files.
"""

from core.verify.checks import verify
from core.verify.report import Finding, Report, Section

__all__ = ["Finding", "Report", "Section", "verify"]
