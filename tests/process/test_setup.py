"""Installing what was reviewed, and nothing else."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
SETUP_SECONDS = 150
PIN = re.compile(
    r"^([a-z0-9].*?)(?: \\)?$((?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?$)+)", re.MULTILINE
)


def pins(text: str) -> dict[tuple[str, str], str]:
    """Return the version of each package and marker of a requirements file."""
    lines = [line.split(" #")[0].strip() for line in text.splitlines() if line[:1].isalnum()]
    found = {}
    for each in map(Requirement, lines):
        (version,) = (part.version for part in each.specifier)
        found[each.name.lower(), version] = str(each.marker or "")
    return found


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_each_pin_has_hashes_in_the_lock_and_nothing_else_has(name: str) -> None:
    lock = (ROOT / f"{name}.lock").read_text(encoding="utf-8")
    locked = pins("\n".join(pin for pin, _ in PIN.findall(lock)))
    wanted = pins((ROOT / f"{name}.txt").read_text(encoding="utf-8"))
    assert locked.keys() == wanted.keys(), "run .ci/lock"
    assert {key for key, marker in locked.items() if marker} == {
        key for key, marker in wanted.items() if marker
    }
    assert len(re.findall("^[a-z0-9]", lock, re.MULTILINE)) == len(locked)


def test_the_locks_leave_out_nothing_that_a_package_needs() -> None:
    command = [sys.executable, "-m", "pip", "check", "--disable-pip-version-check"]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=SETUP_SECONDS
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with bin/setup, and one wheel in the place of an index."""
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "bin" / "setup", tmp_path / "bin")
    with ZipFile(tmp_path / "trifle-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("trifle.py", "")
        wheel.writestr(
            "trifle-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: trifle\nVersion: 1.0\n"
        )
        wheel.writestr(
            "trifle-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr("trifle-1.0.dist-info/RECORD", "")
    return tmp_path


def set_up(checkout: Path, lock: str, **settings: str) -> subprocess.CompletedProcess[str]:
    (checkout / "requirements.lock").write_text(lock)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(checkout),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(checkout),
        "PIP_CONFIG_FILE": os.devnull,
        **settings,
    }
    return subprocess.run(
        [checkout / "bin" / "setup"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SETUP_SECONDS,
    )


def test_a_file_that_is_not_the_locked_one_is_not_installed(checkout: Path) -> None:
    digest = hashlib.sha256(next(checkout.glob("*.whl")).read_bytes()).hexdigest()
    another = f"{digest[:-1]}{(int(digest[-1], 16) + 1) % 16:x}"
    for lock, fault in (
        (f"trifle==1.0 --hash=sha256:{another}\n", "DO NOT MATCH THE HASHES"),
        ("trifle==1.0\n", "Hashes are required"),
    ):
        refused = set_up(checkout, lock)
        assert refused.returncode == 69, refused.stderr
        assert fault in refused.stderr
    done = set_up(checkout, f"trifle==1.0 --hash=sha256:{digest}\n")
    assert done.returncode == 0, done.stderr
    assert list(checkout.glob(".venv/lib/*/site-packages/trifle.py"))
    elsewhere = str(checkout / "elsewhere")
    for setting in ("PIP_TARGET", "PIP_PREFIX"):
        misled = set_up(
            checkout, f"# anew\ntrifle==1.0 --hash=sha256:{digest}\n", **{setting: elsewhere}
        )
        assert misled.returncode == 78
        assert f"{setting.removeprefix('PIP_').lower()}='{elsewhere}'" in misled.stderr


@pytest.mark.parametrize("sign", [":", '"', "$", "`", "\\"])
def test_a_folder_that_python_or_postgres_cannot_use_is_named(checkout: Path, sign: str) -> None:
    folder = checkout / f"a{sign}b"
    (folder / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "bin" / "setup", folder / "bin")
    refused = set_up(folder, "")
    assert refused.returncode == 78
    assert f"{folder} cannot be used: " in refused.stderr
    assert not (folder / ".venv").exists()
