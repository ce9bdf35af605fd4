"""Lists and runs the benchmarks.

python -m bench                      run all of them
python -m bench --list               say what there is
python -m bench batch --quick        run one, with its own arguments
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module

#: Name to module; each has a `main` that takes its arguments and returns an exit code.
BENCHES = {
    "search": "bench.search",
    "batch": "bench.batch.run",
    "emulators": "bench.emulators",
    "webhooks": "bench.webhooks",
    "parity": "bench.parity",
    "live": "bench.live.run",
    "pages": "bench.pages.run",
}


def main(argv: list[str]) -> int:
    """Run what the arguments name; the exit code is 1 if a bar was missed, 2 for a name that is none."""
    if argv == ["--list"]:
        print(*(f"{name:<8} {_title(name)}" for name in BENCHES), sep="\n")
        return 0
    if not argv:
        return max(_run(name, []) for name in BENCHES)
    if argv[0] not in BENCHES:
        print(f"no benchmark {argv[0]}; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    return _run(argv[0], argv[1:])


def _run(name: str, arguments: list[str]) -> int:
    bench: Callable[[list[str]], int] = import_module(BENCHES[name]).main
    print(f"== {name}", flush=True)
    return bench(arguments)


def _title(name: str) -> str:
    return (import_module(BENCHES[name]).__doc__ or "").partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
