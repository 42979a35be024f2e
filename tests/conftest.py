"""What holds for all tests: properties are not judged by their time; root can be a user without rights for a while."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("leptontui", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("leptontui")

NOBODY = 65534


@contextmanager
def without_rights() -> Iterator[None]:
    """Be a user whom files' modes hold back, also where the tests are run by root."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may look into; pytest's own are root's alone."""
    folder = Path(tempfile.mkdtemp(prefix="leptontui-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
