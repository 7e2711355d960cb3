"""Build of the compiled kernels: one Cython extension for each file in engine/_fast.

Switches, all read from the environment:

TIDEGATE_BUILD        release (default), debug (-O0 -g, assertions), trace (line tracing and profiling
                      hooks), asan (address and undefined-behaviour sanitizers).
TIDEGATE_BUILD_ONLY   comma-separated kernel names: build these only.
TIDEGATE_WITHOUT_RE2  1: do not link libre2 even where it is installed; the pyre2 seam is used instead.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

KERNELS = Path("engine/_fast")
MODES = {
    "release": (["-O3", "-fno-plt"], []),
    "debug": (["-O0", "-g", "-UNDEBUG"], []),
    "trace": (["-O1", "-g"], []),
    "asan": (
        ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined"],
        ["-fsanitize=address,undefined"],
    ),
}


def has_re2() -> bool:
    """Whether a program using RE2::Set compiles and links here. pkg-config's version is not to be trusted."""
    if os.environ.get("TIDEGATE_WITHOUT_RE2") == "1":
        return False
    program = "#include <re2/set.h>\nint main() { RE2::Options o; RE2::Set s(o, RE2::UNANCHORED); return 0; }\n"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.cc")
        source.write_text(program)
        command = [os.environ.get("CXX", "c++"), "-std=c++17", str(source), "-lre2", "-o", str(source.with_suffix(""))]
        try:
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            return False


def extensions() -> list[Extension]:
    mode = os.environ.get("TIDEGATE_BUILD", "release")
    if mode not in MODES:
        sys.exit(f"TIDEGATE_BUILD={mode}: not one of {', '.join(MODES)}")
    compile_args, link_args = MODES[mode]
    macros = [("CYTHON_TRACE", "1"), ("CYTHON_TRACE_NOGIL", "1")] if mode == "trace" else []
    only = set(filter(None, os.environ.get("TIDEGATE_BUILD_ONLY", "").split(",")))
    found = []
    for source in sorted(KERNELS.glob("*.pyx")):
        name = source.stem
        if only and name not in only:
            continue
        args, libraries, language = ["-std=c11"], [], "c"
        if name == "scanner":
            if not has_re2():
                print("libre2 is not installed: building without the scanner kernel, pyre2 stands in", file=sys.stderr)
                continue
            args, libraries, language = ["-std=c++17"], ["re2"], "c++"
        found.append(
            Extension(
                f"engine._fast.{name}",
                [str(source)],
                language=language,
                libraries=libraries,
                define_macros=macros,
                extra_compile_args=[*compile_args, *args, "-Wall", "-Wno-unused-function"],
                extra_link_args=link_args,
                depends=[str(path) for path in sorted(KERNELS.glob("*.h"))],
            )
        )
    directives = {
        "language_level": 3,
        "boundscheck": mode == "debug",
        "wraparound": False,
        "initializedcheck": False,
        "cdivision": True,
        "embedsignature": True,
        "linetrace": mode == "trace",
        "profile": mode == "trace",
    }
    return cythonize(
        found,
        compiler_directives=directives,
        annotate=bool(os.environ.get("TIDEGATE_ANNOTATE")),
        build_dir="build/cython",
        quiet=True,
    )


setup(ext_modules=extensions())
