"""Makes `keras_ch8/cockpit/static/vendor` again: uPlot as npm has it, as an ES module. Run from anywhere; needs npm.

The build for browsers ends with one global variable, so a line after it makes a module of it, and nothing else changes.
"""

import hashlib
import subprocess
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "uplot@1.6.32"
TARBALL_SHA256 = "4b8a8191e425658e3ea8c8c1314b0fc679c861ee3a1af2b20c7b16ba50b5133d"
VENDOR = Path(__file__).parent.parent / "keras_ch8" / "cockpit" / "static" / "vendor"
KEPT = "LICENSE", "dist/uPlot.iife.min.js"
EXPORT = b"\nexport default uPlot;\n"


def vendor() -> None:
    """Fetch the package, compare its hash, and write the module, its licence and their hashes."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (tarball,) = Path(folder).glob("*.tgz")
        if (found := hashlib.sha256(tarball.read_bytes()).hexdigest()) != TARBALL_SHA256:
            raise SystemExit(
                f"{PACKAGE} should have the SHA-256 {TARBALL_SHA256}. Received: {found}. Nothing was written."
            )
        with tarfile.open(tarball) as package:
            kept = {name: package.extractfile(f"package/{name}").read() for name in KEPT}
    files = {
        "LICENSE": kept["LICENSE"],
        "uPlot.js": kept["dist/uPlot.iife.min.js"].rstrip() + EXPORT,
    }
    VENDOR.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (VENDOR / name).write_bytes(content)
    hashes = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items()]
    (VENDOR / "SHA256").write_text("".join(hashes))


if __name__ == "__main__":
    vendor()
