"""Build of what is compiled: the kernels, and the modules of the hot path.

Each file in engine/_fast is a kernel, an extension of its own in Cython. Each other module of engine that has a `.pxd`
beside it is plain Python that is compiled too: the `.pxd` gives its classes C structs for their attributes. It behaves
the same either way, so the checks that C code may leave out (bounds, None, overflow) stay on in it.

Switches, all read from the environment:

TIDEGATE_BUILD        release (default), debug (-O0 -g, assertions), trace (line tracing and profiling
                      hooks), asan (address and undefined-behaviour sanitizers).
TIDEGATE_BUILD_ONLY   comma-separated names of kernels or compiled modules: build these only.
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

ENGINE = Path("engine")
KERNELS = ENGINE / "_fast"
# Debug information is half of the compile time and nobody's need; the debug, trace and sanitizer builds have it.
MODES = {
    "release": (["-O3", "-g0", "-fno-plt"], []),
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


def kernels(compile_args: list[str], link_args: list[str]) -> list[Extension]:
    """One extension a kernel; without `scanner` where libre2 is not installed."""
    found = []
    for source in sorted(KERNELS.glob("*.pyx")):
        name = source.stem
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
                extra_compile_args=[*compile_args, *args, "-Wall", "-Wno-unused-function"],
                extra_link_args=link_args,
                depends=[str(path) for path in sorted(KERNELS.glob("*.h"))],
            )
        )
    return found


def hot_modules(compile_args: list[str], link_args: list[str]) -> list[Extension]:
    """One extension a module that has a `.pxd` beside it."""
    declarations = [path for path in sorted(ENGINE.rglob("*.pxd")) if path.parent != KERNELS]
    return [
        Extension(
            ".".join(path.with_suffix("").parts),
            [str(path.with_suffix(".py"))],
            # A request walks once through much code and loops nowhere in it: what -O3 unrolls only crowds the cache.
            extra_compile_args=[*("-O2" if argument == "-O3" else argument for argument in compile_args), "-std=c11"],
            extra_link_args=link_args,
        )
        for path in declarations
    ]


def extensions() -> list[Extension]:
    mode = os.environ.get("TIDEGATE_BUILD", "release")
    if mode not in MODES:
        sys.exit(f"TIDEGATE_BUILD={mode}: not one of {', '.join(MODES)}")
    compile_args, link_args = MODES[mode]
    if mode == "trace":
        compile_args = [*compile_args, "-DCYTHON_TRACE=1", "-DCYTHON_TRACE_NOGIL=1"]
    only = set(filter(None, os.environ.get("TIDEGATE_BUILD_ONLY", "").split(",")))

    def wanted(found: list[Extension]) -> list[Extension]:
        return [extension for extension in found if not only or extension.name.rpartition(".")[2] in only]

    traced = {"language_level": 3, "linetrace": mode == "trace", "profile": mode == "trace"}
    options = {"annotate": bool(os.environ.get("TIDEGATE_ANNOTATE")), "build_dir": "build/cython", "quiet": True}
    return [
        *cythonize(
            wanted(kernels(compile_args, link_args)),
            compiler_directives=traced
            | {
                "boundscheck": mode == "debug",
                "wraparound": False,
                "initializedcheck": False,
                "cdivision": True,
                "embedsignature": True,
            },
            **options,
        ),
        *cythonize(
            wanted(hot_modules(compile_args, link_args)),
            # The types are those of the `.pxd`: an annotation `int` does not promise that a number fits into a C int.
            compiler_directives=traced | {"annotation_typing": False, "nonecheck": True},
            nthreads=os.cpu_count() or 1,
            **options,
        ),
    ]


setup(ext_modules=extensions(), options={"build_ext": {"parallel": os.cpu_count() or 1}})
