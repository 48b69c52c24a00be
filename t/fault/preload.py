"""Programs of the service with a library in those of its children, for faults that the library makes."""
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROLES = ("smtpd", "queue", "delivery", "local", "resolver", "log", "pickup")
CHILDREN = [f"mailroot-{role}" for role in (*ROLES, "filters")]


def programs(build, folder, source, *flags):
    """Copies the programs of BUILD to FOLDER. Those of the children load SOURCE, a file here, compiled with FLAGS."""
    library = folder / f"{pathlib.Path(source).stem}.so"
    subprocess.run(["cc", "-O1", "-w", *flags, "-shared", "-fPIC", "-o", library, HERE / source], check=True)
    for name in ("mailrootd", "mailrootctl", "sendmail", *CHILDREN):
        shutil.copy(build / name, folder / name)
    for name in CHILDREN:
        (folder / name).rename(folder / f"{name}.real")
        subprocess.run(["cc", "-O1", "-w", f'-DLIBRARY="{library}"', "-o", folder / name, HERE / "preload.c"], check=True)
