"""Runs programs side by side, and tells what each costs.

A cost is what a program spends per round: a run of many rounds minus one of few, so that starting up does not count.
It is processor time (user and system, all threads and children), which other work on the host hardly touches, unless a
row says otherwise. All programs of a comparison take turns, so that a host that grows slower grows slower for all.
"""

import dataclasses
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time
import typing

LONGEST_RUN = 300  # Seconds. What takes longer hangs.


class Failure(Exception):
    """A program did not do what it is measured for."""


@dataclasses.dataclass(frozen=True)
class Budget:
    """What the subject may cost at most: `limit` times its peer, its peer and `limit` more, or `limit`."""
    limit: float
    on: str = "ratio"  # or "difference", "value"

    def __str__(self):
        return {"ratio": "<= {:.2f} x", "difference": "<= + {:g}", "value": "<= {:g}"}[self.on].format(self.limit)

    def met(self, value, peer_value, ratio):
        return {"ratio": ratio, "difference": value - (peer_value or 0), "value": value}[self.on] <= self.limit


@dataclasses.dataclass(frozen=True)
class Program:
    """One side of a comparison. `{rounds}` in its command stands for how often it does the thing, `{file}` for a file of
    its own, which `prepare` makes before anything is measured."""
    label: str
    command: tuple
    budget: typing.Optional[Budget] = None  # Of the subject, against this peer.
    one_cpu: bool = False  # All its processes on one processor.
    prepare: tuple = ()
    result: typing.Callable[[int], int] = lambda status: status  # What its exit status says.
    lacks: str = ""  # Why it cannot be measured here.

    def missing(self):
        """What it would need, or None."""
        if self.lacks:
            return self.lacks
        for program in (self.command[0], *self.prepare[:1]):
            if shutil.which(program) is None:
                return f"{os.path.basename(program)} is not there"
        gone = [word for word in self.command if word.startswith("/") and not os.path.exists(word)]
        return f"{os.path.basename(gone[0])} is not there" if gone else None


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a program."""
    processor: float  # Seconds
    wall: float       # Seconds
    peak: float       # Bytes resident
    status: int
    said: str


FOLDER = tempfile.TemporaryDirectory(prefix="jacinth-bench-")
PREPARED = {}  # The files of programs, by what makes them.


def file_of(program, rounds):
    key = (program.label, program.command, program.prepare, rounds)
    if key not in PREPARED:
        PREPARED[key] = os.path.join(FOLDER.name, str(len(PREPARED)))
        if program.prepare:
            words = [word.replace("{rounds}", str(rounds)).replace("{file}", PREPARED[key]) for word in program.prepare]
            subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=LONGEST_RUN)
    return PREPARED[key]


def run(program, rounds):
    command = [word.replace("{rounds}", str(rounds)).replace("{file}", file_of(program, rounds))
               for word in program.command]
    output = os.memfd_create("output")
    everywhere = os.sched_getaffinity(0)
    if program.one_cpu:
        os.sched_setaffinity(0, {max(everywhere)})
    begin = time.monotonic()
    try:
        pid = os.posix_spawnp(command[0], command, os.environ, setpgroup=0, file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, output, 1),
            (os.POSIX_SPAWN_DUP2, output, 2),
        ])
    finally:
        os.sched_setaffinity(0, everywhere)
    watchdog = threading.Timer(LONGEST_RUN, os.killpg, (pid, signal.SIGKILL))
    watchdog.start()
    try:
        _, status, usage = os.wait4(pid, 0)
        end = time.monotonic()
    finally:
        watchdog.cancel()
    said = os.pread(output, 1 << 16, 0).decode(errors="replace").strip()
    os.close(output)
    if os.WIFSIGNALED(status):
        raise Failure(f"`{' '.join(command)}` was killed by signal {os.WTERMSIG(status)}\n{said}".strip())
    return Run(usage.ru_utime + usage.ru_stime, end - begin, usage.ru_maxrss * 1024.0, os.WEXITSTATUS(status), said)


@dataclasses.dataclass(frozen=True)
class PerRound:
    """The cost of a round, times `scale`."""
    few: int
    many: int
    scale: float
    what: str = "processor"  # Which field of Run.
    quick: int = 20          # --quick does so many times less.

    def rounds(self, quick):
        if not quick:
            return [self.few, self.many]
        few = max(1, self.few // self.quick)
        return [few, max(few + 1, self.many // self.quick)]

    def cost(self, runs, quick):
        few, many = self.rounds(quick)
        return (getattr(runs[1], self.what) - getattr(runs[0], self.what)) / (many - few) * self.scale


@dataclasses.dataclass(frozen=True)
class Whole:
    """The cost of a whole run, start-up included: the median of several, since they are short."""
    scale: float
    what: str = "wall"
    times: int = 9

    def rounds(self, quick):
        return [1] * (1 if quick else self.times)

    def cost(self, runs, _):
        return statistics.median(getattr(each, self.what) for each in runs) * self.scale


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A subject and its peers. With `agree`, their results must be the same, whatever they are; otherwise zero."""
    name: str
    unit: str
    measure: typing.Union[PerRound, Whole]
    subject: Program
    peers: tuple = ()
    budget: typing.Optional[Budget] = None  # Of the subject by itself.
    agree: bool = False


def take(comparison, program, quick, results):
    """What `program` costs, once. `results` collects what it answered, by rounds, to compare others with."""
    runs = []
    for rounds in comparison.measure.rounds(quick):
        ran = run(program, rounds)
        runs.append(ran)
        result = program.result(ran.status)
        wanted = results.setdefault(rounds, result) if comparison.agree else 0
        if result != wanted:
            raise Failure(f"{program.label} answered {result} after {rounds} rounds, not {wanted}\n{ran.said}".strip())
    return comparison.measure.cost(runs, quick)


def compare(comparison, runs, quick, progress=lambda done: None):
    """The rows of one comparison: the subject against each peer, as dictionaries."""
    def row(program, **values):
        budget = (program and program.budget) or comparison.budget
        return {"name": comparison.name, "value": None, "unit": comparison.unit,
                "peer": program.label if program else None, "peer_value": None, "ratio": None,
                "budget": budget.limit if budget else None, "budget_on": budget.on if budget else None,
                "budget_text": str(budget) if budget else "", "within": None, **values}

    costs, broken, results = {}, {}, {}
    for program in (comparison.subject, *comparison.peers):
        if reason := program.missing():
            broken[program.label] = {"skipped": reason}
    for index in range(runs):
        for program in (comparison.subject, *comparison.peers):
            if program.label in broken:
                continue
            progress(f"{index + 1}/{runs} {program.label}")
            try:
                costs.setdefault(program.label, []).append(take(comparison, program, quick, results))
            except Failure as failure:
                broken[program.label] = {"failed": str(failure)}

    def result(peer):
        wrong = broken.get(comparison.subject.label) or (peer and broken.get(peer.label)) or {}
        own = costs.get(comparison.subject.label, []) if comparison.subject.label not in broken else []
        others = costs.get(peer.label, []) if peer and peer.label not in broken else []
        value = statistics.median(own) if own else None
        peer_value = statistics.median(others) if others else None
        # The median of each run's own ratio: what disturbed both sides of a run alike does not count.
        pairs = [a / b for a, b in zip(own, others) if b > 0]
        ratio = statistics.median(pairs) if pairs else None
        budget = (peer and peer.budget) or comparison.budget
        judged = budget and not wrong and (ratio is not None or budget.on != "ratio")
        return row(peer, value=value, peer_value=peer_value, ratio=ratio,
                   within=budget.met(value, peer_value, ratio) if judged else None, **wrong)

    return [result(peer) for peer in comparison.peers or (None,)]
