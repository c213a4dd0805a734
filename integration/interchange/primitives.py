# SPDX-License-Identifier: Apache-2.0
"""What Debian's Python lacks: BLAKE3 and ML-KEM-768, from a small co-process.

TGSP_PRIMITIVES names its program; without that, it is built with Go when it is
first needed. It speaks JSON, one line each way, with bytes in hexadecimal.
"""

import atexit
import json
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

_lock = threading.Lock()
_process = None


def ask(operation, **arguments):
    """One question to the co-process, with bytes as arguments and in the answer."""
    global _process
    request = {"op": operation, **{k: v.hex() for k, v in arguments.items()}}
    with _lock:
        if _process is None:
            _process = _start()
        _process.stdin.write(json.dumps(request) + "\n")
        _process.stdin.flush()
        line = _process.stdout.readline()
    if not line:
        raise RuntimeError("the co-process for primitives has ended")
    answer = json.loads(line)
    return {k: bytes.fromhex(v) if isinstance(v, str) else v for k, v in answer.items()}


def _start():
    program = os.environ.get("TGSP_PRIMITIVES")
    if not program:
        folder = tempfile.mkdtemp(prefix="tgsp-primitives-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        program = os.path.join(folder, "primitives")
        source = Path(__file__).resolve().parent
        subprocess.run(["go", "build", "-o", program, "./primitives"], cwd=source, check=True)
    process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(_stop, process)
    return process


def _stop(process):
    process.stdin.close()
    process.wait()
    process.stdout.close()
