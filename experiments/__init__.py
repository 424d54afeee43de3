"""Commands: parse, call, report. The work is in `gen_models`."""

import signal
import sys

if sys.argv[:1] == ["-m"]:  # the value while `python -m` still looks for the command to run
    # Until the command installs its own handler, Ctrl-C ends the imports without a stack trace.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
