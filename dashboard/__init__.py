"""The Gradio dashboard: it draws what `core` computes."""

import os
import sys

from core.support.proxies import mend
from core.support.waiting import spin_briefly

spin_briefly()  # before torch is imported

# Before gradio is imported: as it is, it opens an HTTP client, and asks whether to count its users.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
for _sentence in mend():
    print(_sentence, file=sys.stderr)
