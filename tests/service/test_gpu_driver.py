"""What the doctor says of a GPU's driver that answers oddly."""

import json
import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

DRIVER = """
int cuInit(unsigned flags) { return %d; }
int cuDeviceGet(int *device, int ordinal) { return *device = 0; }
int cuDeviceGetName(char *name, int length, int device) { return *name = 0; }
int cuGetErrorName(int error, const char **name) { *name = "CUDA_ERROR_%d"; return 0; }
"""


@pytest.mark.parametrize(
    ("status", "said"),
    [(100, "no device: CUDA_ERROR_100"), (999, "OSError: the driver says CUDA_ERROR_999")],
)
def test_a_driver_without_a_device_is_told_from_one_that_fails(
    tmp_path: Path, store: Path, command: str, status: int, said: str
) -> None:
    source = tmp_path / "driver.c"
    source.write_text(DRIVER.replace("%d", str(status)))
    compiler = str(sysconfig.get_config_var("CC")).split()
    library = tmp_path / "libcuda.so.1"
    subprocess.run([*compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    found = subprocess.run(
        [command, "doctor", "--json", "--store", store],
        env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)},
        capture_output=True,
        timeout=60,
        check=True,
    )
    gpu = json.loads(found.stdout)["gpu"]
    assert gpu["in use"] is False
    assert gpu["device"].startswith(said)
