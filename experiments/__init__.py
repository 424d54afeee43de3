"""Commands: parse, call, report. The work is in `gen_models`."""

import os
import signal
import sys

if sys.argv[:1] == ["-m"]:  # the value while `python -m` still looks for the command to run
    # Until the command installs its own handler, Ctrl-C ends the imports without a stack trace.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        import jax
    except ValueError as error:  # JAX reads its variables when it is imported
        held = " ".join(f"{n}={value}" for n, value in os.environ.items() if n.startswith("JAX_"))
        print(f"error: the environment holds {held}: {error}; correct or unset it", file=sys.stderr)
        sys.exit(2)
