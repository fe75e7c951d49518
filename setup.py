"""The native half of the build: one static library per instruction set, one for the engine, one extension per .pyx.

The Python packages are described in pyproject.toml. `python setup.py build_clib build_ext --inplace` (make native)
rebuilds what changed and nothing else: objects follow the headers they included, extensions follow their libraries.
VECDB_SANITIZE=thread|address builds the same with that sanitizer.
"""

from __future__ import annotations

import os
import platform
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from setuptools import Extension, setup
from setuptools.command.build_clib import build_clib
from setuptools.command.build_ext import build_ext

NATIVE = Path("native")
BUILD = Path("build/native")
PACKAGES = Path("build/packages")
JOBS = os.cpu_count() or 1
X86_64 = platform.machine() in ("x86_64", "AMD64")

WARNINGS = ["-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-missing-field-initializers"]
SANITIZE = os.environ.get("VECDB_SANITIZE", "")
if SANITIZE not in ("", "thread", "address"):
    raise SystemExit(f"VECDB_SANITIZE: expected thread or address, received {SANITIZE!r}")
SANITIZE_FLAGS = [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer", "-g1"] if SANITIZE else []
COMPILE_FLAGS = ["-O3", "-std=c++17", "-fPIC", "-pthread", "-fvisibility=hidden", "-g0", *SANITIZE_FLAGS]
LINK_FLAGS = ["-pthread", "-Wl,--gc-sections", *(SANITIZE_FLAGS or ["-Wl,-s"])]

# Kernels share no symbol with other units (an AVX-512 copy of an inline function must never be the one the linker
# keeps for everybody), hence no exceptions and no type information. Elsewhere than on x86-64 they compile to nothing.
KERNEL_FLAGS = ["-fno-exceptions", "-fno-rtti"]
AVX2_FLAGS = ["-mavx2", "-mfma", "-mf16c", "-mbmi", "-mbmi2", "-mpopcnt"]
AVX512_FLAGS = ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx512vnni", *AVX2_FLAGS]
LEVEL_FLAGS = {"baseline": [], "avx2": AVX2_FLAGS if X86_64 else [], "avx512": AVX512_FLAGS if X86_64 else []}


def native_libraries() -> list[tuple[str, dict[str, Any]]]:
    """The static libraries in link order: (name, sources and flags)."""
    every = set(NATIVE.glob("*.cpp"))
    libraries = []
    for level, level_flags in LEVEL_FLAGS.items():
        sources = set(NATIVE.glob(f"kernels_{level}*.cpp"))
        every -= sources
        libraries.append((f"kernels_{level}", sources, [*KERNEL_FLAGS, *level_flags]))
    libraries.insert(0, ("native", every, ["-ffunction-sections", "-fdata-sections"]))
    return [
        (name, {"sources": sorted(map(str, sources)), "cflags": [*COMPILE_FLAGS, *WARNINGS, *flags]})
        for name, sources, flags in libraries
        if sources
    ]


LIBRARIES = native_libraries()
ARCHIVES = [BUILD / f"lib{name}.a" for name, _ in LIBRARIES]


def native_extensions() -> list[Extension]:
    """One extension per .pyx, named as the package the folder becomes."""
    return [
        Extension(
            f"vecdb.native.{source.stem}",
            [str(source)],
            language="c++",
            include_dirs=[str(NATIVE)],
            extra_compile_args=COMPILE_FLAGS,
            extra_link_args=LINK_FLAGS,
            depends=sorted(map(str, NATIVE.glob("*.h"))),
        )
        for source in sorted(NATIVE.glob("*.pyx"))
    ]


class BuildLibraries(build_clib):  # type: ignore[misc]
    """Compiles what changed, in parallel, and archives it under build/native."""

    def finalize_options(self) -> None:
        """Uses one fixed folder, so that an editable install and `make native` share their work."""
        super().finalize_options()
        self.build_clib = self.build_temp = str(BUILD)

    def build_libraries(self, libraries: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Brings every archive up to date."""
        BUILD.mkdir(parents=True, exist_ok=True)
        stale: list[tuple[str, list[str]]] = []
        for name, info in libraries:
            flags_file = write_if_changed(BUILD / f"{name}.flags", " ".join(info["cflags"]))
            stale += [(source, info["cflags"]) for source in info["sources"] if is_stale(source, flags_file)]
        with ThreadPoolExecutor(JOBS) as pool:
            list(pool.map(lambda work: self.compile_one(*work), stale))
        for name, info in libraries:
            archive = BUILD / f"lib{name}.a"
            objects = [str(object_of(source)) for source in info["sources"]]
            members = write_if_changed(BUILD / f"{name}.members", "\n".join(objects))
            if is_older(archive, [*objects, members]):
                archive.unlink(missing_ok=True)
                self.compiler.create_static_lib(objects, name, output_dir=str(BUILD))

    def compile_one(self, source: str, flags: list[str]) -> None:
        """Compiles one source to its object, with the list of the headers it read beside it."""
        target = object_of(source)
        target.unlink(missing_ok=True)
        depends = ["-MMD", "-MF", str(target.with_suffix(".d"))]
        self.compiler.compile([source], str(BUILD), include_dirs=[str(NATIVE)], extra_postargs=[*flags, *depends])


class BuildExtensions(build_ext):  # type: ignore[misc]
    """Translates the .pyx files into build/cython and links them with the libraries."""

    def finalize_options(self) -> None:
        """Turns the .pyx sources into C++ before setuptools looks at them."""
        import numpy
        from Cython.Build import cythonize

        link_packages()
        if self.distribution.ext_modules:
            self.distribution.ext_modules[:] = cythonize(  # type: ignore[no-untyped-call]
                self.distribution.ext_modules,
                build_dir="build/cython",
                include_path=[str(PACKAGES)],
                nthreads=0,
                language_level=3,
            )
        super().finalize_options()
        self.build_temp = str(BUILD)
        self.include_dirs.append(numpy.get_include())
        self.parallel: int = JOBS if self.parallel is None else int(self.parallel)

    def build_extensions(self) -> None:
        """Links again what is older than the libraries or the flags; these are no part of a source archive."""
        flags = write_if_changed(BUILD / "extensions.flags", " ".join([*COMPILE_FLAGS, *LINK_FLAGS]))
        for extension in self.extensions:
            extension.depends += map(str, [*ARCHIVES, flags])
        super().build_extensions()


def object_of(source: str) -> Path:
    """Where the object of a source goes."""
    return BUILD / Path(source).with_suffix(".o")


def is_stale(source: str, flags_file: Path) -> bool:
    """Whether a source, a header it read, or its flags are newer than its object."""
    depends_file = object_of(source).with_suffix(".d")
    if not depends_file.exists():
        return True
    _, _, prerequisites = depends_file.read_text().replace("\\\n", " ").partition(":")
    return is_older(object_of(source), [*prerequisites.split(), flags_file])


def is_older(target: Path, sources: Sequence[str | Path]) -> bool:
    """Whether a target is missing or older than any of its sources, or one of these has gone."""
    if not target.exists():
        return True
    built = target.stat().st_mtime_ns
    return any(not os.path.exists(source) or os.stat(source).st_mtime_ns > built for source in sources)


def write_if_changed(path: Path, text: str) -> Path:
    """Writes a small file unless it already says so: its time is that of its last change."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    return path


def link_packages() -> None:
    """Makes build/packages/vecdb, a tree of links in which each folder stands as the package it becomes.

    Cython (cimport) and mypy look for packages in folders and do not know of setuptools' package-dir.
    """
    root = Path.cwd()
    package = PACKAGES / "vecdb"
    package.mkdir(parents=True, exist_ok=True)
    project = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["setuptools"]
    wanted = {path.name: path for path in (root / "vecdb").iterdir() if path.name != "__pycache__"}
    for name, folder in project["package-dir"].items():
        if name.startswith("vecdb."):
            wanted[name.removeprefix("vecdb.")] = root / folder
    for link in package.iterdir():
        if link.name not in wanted:
            link.unlink()
    for name, target in wanted.items():
        link = package / name
        if not link.is_symlink() or link.readlink() != target:
            link.unlink(missing_ok=True)
            link.symlink_to(target)


setup(
    libraries=LIBRARIES,
    ext_modules=native_extensions(),
    cmdclass={"build_clib": BuildLibraries, "build_ext": BuildExtensions},
)
