"""Builds Kubernetes, etcd, containerd, CoreDNS, KWOK and what tests hold us against from Go modules, once, into the cache outside the checkout.

Each folder in `modules/` is a go.mod/go.sum pair whose `tool` lines name what to build. A library that comes without a program has a
few lines of ours beside it. A module's cache folder is named by a hash of all that and our build flags, so that a changed version is
built anew and an unchanged one never. Called by the CLI, api_only and node.
"""

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from . import golang
from .errors import CommandFailed, DeadlinePassed
from .locks import exclusive
from .paths import MODULES, cache_folder
from .progress import say, tail

__all__ = ["API_ONLY_MODULES", "NODE_MODULES", "TEST_MODULES", "binary_folder", "ensure_binaries", "is_built"]

API_ONLY_MODULES = ("etcd", "kubernetes", "kwok")
TEST_MODULES = (*API_ONLY_MODULES, "versitygw", "flux", "argocd")
NODE_MODULES = ("etcd", "containerd", "coredns", "kubernetes", "kwok")

# Without these the version is v0.0.0 and clients refuse features by version.
_KUBERNETES_VERSION = "1.37.2"
_VERSION_FLAGS = " ".join(
    f"-X k8s.io/component-base/version.{key}={value}"
    for key, value in (("gitVersion", f"v{_KUBERNETES_VERSION}"), ("gitMajor", "1"), ("gitMinor", "37"))
)
_LINK_FLAGS = f"-s -w {_VERSION_FLAGS} -X k8s.io/client-go/pkg/version.gitVersion=v{_KUBERNETES_VERSION}"

# etcd's main package is called `server`.
_RENAMED = {"etcd": {"server": "etcd"}}

_BUILD_DEADLINE_S = 45 * 60
_REPORT_EVERY_S = 15.0
_POLL_S = 0.2


def binary_folder(module: str) -> Path:
    """Where MODULE's binaries are, or will be once built."""
    return cache_folder() / "bin" / f"{module}-{_fingerprint(module)}"


def is_built(module: str) -> bool:
    """Whether MODULE is in the cache; the folder appears in one move, so what is there is whole."""
    return binary_folder(module).is_dir()


def ensure_binaries(modules: Iterable[str]) -> None:
    """Build those of MODULES that the cache lacks; says nothing when none is."""
    missing = [module for module in modules if not is_built(module)]
    if not missing:
        return
    say(f"building {', '.join(missing)} from Go modules into {cache_folder() / 'bin'} (once; 10 to 15 minutes for all)")
    # Two builds at once would only be slower: the second waits for the first and finds its result.
    lock_file = cache_folder() / "bin" / ".lock"
    with exclusive(lock_file, what="another build of binaries", deadline_s=2 * _BUILD_DEADLINE_S) as lock:
        for module in missing:
            if not is_built(module):
                _build(module, lock)


def _fingerprint(module: str) -> str:
    digest = hashlib.sha256(_LINK_FLAGS.encode())
    folder = MODULES / module
    for file in (folder / "go.mod", folder / "go.sum", *sorted(folder.rglob("*.go"))):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _build(module: str, lock: int) -> None:
    """Build MODULE beside its final place, then move it there whole."""
    final = binary_folder(module)
    half = final.with_name(f".half-{final.name}")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    _run_go(module, half, lock)
    for old, new in _RENAMED.get(module, {}).items():
        (half / old).rename(half / new)
    half.rename(final)


def _run_go(module: str, output: Path, lock: int) -> None:
    """Run Go with the LOCK in its hands too: if we are killed, the next build waits until Go has ended."""
    log = output.with_name(f"{module}.build.log")
    command = [golang.go_command(), "install", "-trimpath", "-ldflags", _LINK_FLAGS, "tool"]
    environment = {**os.environ, "GOBIN": str(output), "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
    with log.open("wb") as output_file:
        process = subprocess.Popen(
            command,
            cwd=MODULES / module,
            env=environment,
            stdout=output_file,
            stderr=subprocess.STDOUT,
            pass_fds=(lock,),
        )
    try:
        code = _watch(process, module)
    except BaseException:
        process.kill()
        process.wait()
        raise
    if code != 0:
        raise CommandFailed(f"building {module} failed with exit code {code}\n{tail(log)}")


def _watch(process: subprocess.Popen[bytes], module: str) -> int:
    """Wait for the build, with a line every now and then; Go itself is silent for minutes."""
    began = reported = time.monotonic()
    while (code := process.poll()) is None:
        now = time.monotonic()
        if now - began > _BUILD_DEADLINE_S:
            raise DeadlinePassed(f"building {module} took longer than {_BUILD_DEADLINE_S // 60} minutes")
        if now - reported > _REPORT_EVERY_S:
            reported = now
            say(f"  building {module}: {now - began:.0f} s")
        time.sleep(_POLL_S)
    say(f"  {module}: built in {time.monotonic() - began:.0f} s" if code == 0 else f"  {module}: failed")
    return code
