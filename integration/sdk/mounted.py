# SPDX-License-Identifier: Apache-2.0
"""Reads a package from Python: the standard library and tgsp, nothing else."""

import contextlib
import pathlib
import subprocess
import sys
import tempfile


@contextlib.contextmanager
def mounted(package, *options):
    """Gives the folder in which a package's files are; nobody else can enter it."""
    with tempfile.TemporaryDirectory(prefix="model-") as folder:
        subprocess.run(["tgsp", "mount", *options, package, folder], check=True)
        try:
            yield pathlib.Path(folder)
        finally:
            subprocess.run(["tgsp", "umount", folder], check=True)


if __name__ == "__main__":
    with mounted(sys.argv[1], *sys.argv[2:]) as model:
        # Here a framework loads: AutoModel.from_pretrained(model), for example.
        for path in sorted(p for p in model.rglob("*") if p.is_file()):
            print(path.relative_to(model), path.stat().st_size)
