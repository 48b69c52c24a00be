"""mailrootctl under locales that the test makes, because the machine may have none but C."""
import functools
import os
import subprocess

import harness
from harness import scratch


@functools.cache
def locales():
    """A folder with the locales ja_JP.UTF-8 and ja_JP.EUC-JP."""
    folder = scratch()
    for name, charset in (("ja_JP.UTF-8", "UTF-8"), ("ja_JP.EUC-JP", "EUC-JP")):
        subprocess.run(["localedef", "--no-archive", "-i", "ja_JP", "-f", charset, str(folder / name)], check=True, capture_output=True)
    return folder


def ctl(service, command, language="ja_JP.UTF-8", folder=None):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    environment |= {"LANG": language, "LOCPATH": str(folder or locales())}
    return subprocess.run([str(harness.BUILD / "mailrootctl"), "-c", str(service.conf), *command.split()], capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=60, env=environment)
