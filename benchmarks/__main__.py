"""Run the benchmarks: ``python -m benchmarks [NAME ...]``."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import benchmarks


def main() -> int:
    modules = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    known = sorted(name for name in modules if name not in ("__main__", "generate"))
    wanted = sys.argv[1:] or known
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    for name in wanted:
        print(f"== {name}")
        module = importlib.import_module(f"benchmarks.{name}")
        (getattr(module, "run", None) or module.main)()
    return 0


if __name__ == "__main__":
    sys.exit(main())
