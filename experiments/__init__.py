"""Commands: parse, call, report. The work is in `gen_models`."""

import signal
import sys

if sys.argv[:1] == ["-m"]:  # so Python calls itself while it still looks for the command to run
    # Until the command takes over, Ctrl-C ends it in silence, the imports included.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
