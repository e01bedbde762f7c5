"""Makes docs/pictures/verdicts: a picture for each kind of verdict, out of a planted run that has it, in some minutes.

python tools/verdict_pictures.py            # all
python tools/verdict_pictures.py vanishing  # some
"""

import os
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from drawing import style

sys.path.insert(0, str(style.ROOT))  # for benchmarks.diagnosis and tools.rules_page

from drawing import verdicts

from tools.rules_page import SEEN

FOLDER = style.ROOT / "docs" / "pictures" / "verdicts"


def main(kinds: list[str]) -> None:
    """Draw those of some kinds, or all."""
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)  # where the runs write their logs
        for kind in kinds or SEEN:
            began = time.process_time()
            try:
                style.save(verdicts.draw(kind), FOLDER / f"{kind}.png")
            except ValueError as error:  # the others are made all the same
                failed.append(str(error))
                continue
            size = (FOLDER / f"{kind}.png").stat().st_size
            sys.stdout.write(f"{kind:18s}{size / 1000:6.0f} KB{time.process_time() - began:8.1f} CPU s\n")
            sys.stdout.flush()
        os.chdir(style.ROOT)
    if failed:
        raise SystemExit("\n".join(failed))


if __name__ == "__main__":
    main(sys.argv[1:])
