"""What a worker's container starts with: secrets into the environment, then Beam's own start in this process's place."""

from __future__ import annotations

import os
import sys

from secret_environment import fill, read_secret

BOOT = "/opt/apache/beam/boot"

if __name__ == "__main__":
    fill(os.environ, read_secret)
    os.execv(BOOT, [BOOT, *sys.argv[1:]])
