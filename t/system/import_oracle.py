"""Random metabases, imported and run: for each random request `mailrootctl explain relay` gives the verdict that an independent reading
of the metabase gives (metabase.py)."""
import concurrent.futures
import json
import subprocess

import harness
from harness import Mailroot, free_port
from metabase import RECIPIENTS, Generator, Reading, random_client


def run_import(metabase, *options):
    return subprocess.run([str(harness.BUILD / "mailrootctl"), "import-iis", str(metabase), *map(str, options)], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=60)


class Imported(Mailroot):
    """The service on the configuration that was made of a random metabase of VERSION."""

    def __init__(self, choose, version):
        super().__init__()
        self.choose, self.port = choose, free_port()
        self.octets = Generator(choose, version, self.port).octets()
        self.metabase = self.folder / "MetaBase.xml"
        self.metabase.write_bytes(self.octets)
        made = self.folder / "made.conf"
        done = run_import(self.metabase, "--out", made, "--report", self.folder / "report.txt", *self.names())
        if done.returncode:
            raise AssertionError(f"import-iis: exit {done.returncode}\n{done.stdout}{done.stderr}")
        self.conf.write_text(f"mailroot_dir {self.folder}/spool\nrun_dir {self.folder}/run\nlog_dir {self.folder}/logs\n"
                             f"state_dir {self.folder}/state\n{self.users}\n{made.read_text()}")

    def names(self):
        return [option for number in range(1, 5) for option in ("--server", f"{number}=s{number}")]

    def numbers(self):
        return [number for number in range(1, 5) if f"virtual_server s{number} " in self.conf.read_text()]

    def ask(self, number, client, user, recipient):
        question = ["explain", "relay", "--server", f"s{number}", "--client", client, "--to", recipient, "--tls"]
        told = self.ctl(*question, *(["--user", user] if user else []), "--json", check=False)
        return json.loads(told.stdout)

    def compare(self, requests):
        """Asks REQUESTS random questions; the number of those that are accepted. An AssertionError names the first difference."""
        readings = {number: Reading(self.octets, number) for number in self.numbers()}
        wanted = []
        for _ in range(requests):
            number = self.choose.choice(list(readings))
            user = "bob" if readings[number].basic and self.choose.random() < 0.3 else None
            wanted.append((number, random_client(self.choose), user, self.choose.choice(RECIPIENTS)))
        accepted = 0
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for request, told in zip(wanted, pool.map(lambda request: self.ask(*request), wanted)):
                number, *question = request
                right = readings[number].may_send(*question)
                if told["accepted"] != right:
                    raise AssertionError(f"{request}: {told}, but the metabase says {right}\n{self.octets.decode(errors='replace')}\n"
                                         f"{self.conf.read_text()}")
                accepted += right
        return accepted
