"""How good the product's results are, against known ones: `python -m bench.quality COMMAND`.

    extract     bodies of captured pages against their known text, peers beside us

Each command asks nothing outside the machine; its data are given by path.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if __name__ == "__main__" and not __package__:
    # run by its path, Python looks for the packages beside the file rather than above it
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import quality_extract


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="bench.quality", description="Measures results against known ones."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    quality_extract.add_command(commands)
    options = parser.parse_args(arguments)
    status: int = options.run(options)
    return status


if __name__ == "__main__":
    sys.exit(main())
