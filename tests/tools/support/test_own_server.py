"""A command that is told to end takes its server with it."""

import signal
import subprocess
import sys

WORK = """
import time
from tools.support.own_server import leaving_on_sigterm
with leaving_on_sigterm():
    try:
        print("begun", flush=True)
        time.sleep(60)
    finally:
        print("ended", flush=True)
"""


def test_sigterm_ends_what_was_started():
    process = subprocess.Popen([sys.executable, "-c", WORK], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=30)
    assert rest == "ended\n"
    assert process.returncode == 128 + signal.SIGTERM
