import subprocess
import sys


def test_the_import_does_not_load_scipy():
    code = "import sys, pluralign.metrics; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
