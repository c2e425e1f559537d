"""Jobs: processes that outlive the portal, whose progress, end and failure it can read."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from productnet.errors import JobError, UnknownRecord
from productnet.portal import jobs as module
from productnet.portal.jobs import Job, Jobs, JobState
from productnet.settings import Project, Settings


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "shop", Settings())


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a body in the place of the command ``round``; the rest is as it is."""

    def put(body: str) -> None:
        script = tmp_path / "fake.py"
        script.write_text(
            "import os, sys, time\nfrom pathlib import Path\n"
            "from productnet.cli import console, loop, main\n"
            "from productnet.errors import TrainingError\n"
            "def round_(preset: str = '', project: Path = Path(), json: bool = False) -> None:\n"
            + textwrap.indent(textwrap.dedent(body), "    ")
            + "\nmain.app.registered_commands = [\n"
            "    one for one in main.app.registered_commands if one.name != 'round']\n"
            "main.app.command('round')(round_)\nmain.run()\n"
        )
        real = subprocess.Popen

        def popen(words: list[str], **options: object) -> subprocess.Popen[bytes]:
            assert words[1:3] == ["-m", "productnet"]
            return real([words[0], str(script), *words[3:]], **options)  # type: ignore[call-overload,no-any-return]

        monkeypatch.setattr(subprocess, "Popen", popen)

    return put


def over(jobs: Jobs, job: Job, *, seconds: float = 20) -> Job:
    return until(jobs, job, lambda now: now.state is not JobState.RUNNING, seconds=seconds)


def until(jobs: Jobs, job: Job, true: Callable[[Job], bool], *, seconds: float = 20) -> Job:
    end = time.monotonic() + seconds
    while not true(now := jobs.get(job.id)):
        assert time.monotonic() < end, now
        time.sleep(0.02)
    return now


def test_a_job_tells_how_far_it_is_and_what_it_gave(
    project: Project, command: Callable[[str], None], tmp_path: Path
) -> None:
    command(
        """
        console.step("train")
        with console.Bars().task("Learning", total=30) as advance:
            advance(10)
            time.sleep(0.3)
            advance(10)
            while not Path(project, "go").exists():
                time.sleep(0.01)
        print('{"round": 1, "preset": "%s"}' % preset)
        print("a word", file=sys.stderr)
        """
    )
    jobs = Jobs(project)
    started = jobs.start("round", {"preset": "paper"}, person="ann")
    assert (started.state, started.person) == (JobState.RUNNING, "ann")
    half = until(jobs, started, lambda now: now.done == 20)
    assert (half.step, half.message, half.total) == ("train", "Learning", 30)
    (project.root / "go").touch()
    done = over(jobs, started)
    assert (done.state, done.result) == (JobState.DONE, {"round": 1, "preset": "paper"})
    assert done.log == "a word\n"
    assert done.finished_at and done.finished_at >= done.started_at
    assert Jobs(project).all() == [done]


def test_a_mistake_is_told_in_its_own_words(project: Project) -> None:
    """The real command, in a project that has nothing to train on."""
    jobs = Jobs(project)
    failed = over(jobs, jobs.start("release", {"version": "--help"}))
    assert failed.state is JobState.FAILED
    assert failed.message
    assert '"--help" is not a semantic version' in failed.message
    assert "Traceback" not in failed.log


def test_a_crash_is_a_failure_and_its_trace_is_in_the_log(
    project: Project, command: Callable[[str], None]
) -> None:
    command("raise ZeroDivisionError('never shown as the message')")
    jobs = Jobs(project)
    failed = over(jobs, jobs.start("round"))
    assert (failed.state, failed.message) == (
        JobState.FAILED,
        "ZeroDivisionError. The job's log tells where.",
    )
    assert "Traceback" in failed.log


def test_one_of_a_kind_runs_at_a_time_and_can_be_stopped(
    project: Project, command: Callable[[str], None]
) -> None:
    command("time.sleep(60)")
    jobs = Jobs(project)
    first = jobs.start("round")
    with pytest.raises(JobError, match="A round is running already"):
        Jobs(project).start("round")
    stopped = jobs.cancel(first.id)
    assert (stopped.state, stopped.message) == (JobState.STOPPED, "Somebody stopped it.")
    with pytest.raises(JobError, match="is over"):
        jobs.cancel(first.id)
    second = jobs.start("round")
    assert [job.id for job in jobs.all()] == [second.id, first.id]
    jobs.cancel(second.id)


def test_what_does_not_heed_is_killed_with_what_it_started(
    project: Project, command: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_GRACE", 2.0)
    command(
        """
        import signal, subprocess
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen(["sleep", "60"])
        Path(project, "child").write_text(str(child.pid))
        console.step("deaf")
        time.sleep(60)
        """
    )
    jobs = Jobs(project)
    deaf = until(jobs, jobs.start("round"), lambda now: now.step == "deaf")
    assert jobs.cancel(deaf.id).state is JobState.STOPPED
    child = int((project.root / "child").read_text())
    end = time.monotonic() + 5
    while _runs(child) and time.monotonic() < end:
        time.sleep(0.02)
    assert not _runs(child)


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_killed_job_has_failed(project: Project, command: Callable[[str], None]) -> None:
    command("console.step('train'); os.kill(os.getpid(), 9)")
    jobs = Jobs(project)
    failed = over(jobs, jobs.start("round"))
    assert failed.state is JobState.FAILED
    assert "left no word" in (failed.message or "")
    assert failed.step == "train"


_PORTAL = """
import sys, time
from pathlib import Path
from productnet.portal.jobs import Jobs
from productnet.settings import Project
import subprocess
from productnet.portal import jobs as module
real = subprocess.Popen
module.subprocess.Popen = lambda words, **o: real([words[0], sys.argv[2], *words[3:]], **o)
print(Jobs(Project.open(Path(sys.argv[1]))).start("round").id, flush=True)
time.sleep(60)
"""


def test_a_job_outlives_the_portal_and_is_found_again(
    project: Project, command: Callable[[str], None], tmp_path: Path
) -> None:
    command(
        """
        while not Path(project, "go").exists():
            time.sleep(0.01)
        print("{}")
        """
    )
    read, write = os.pipe()  # subprocess.Popen is the fake here
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", _PORTAL, str(project.root), str(tmp_path / "fake.py")],
        dict(os.environ),
        file_actions=[(os.POSIX_SPAWN_DUP2, write, 1)],
    )
    os.close(write)
    with os.fdopen(read) as printed:
        name = printed.readline().strip()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    after_restart = Jobs(project)
    assert after_restart.get(name).state is JobState.RUNNING
    (project.root / "go").touch()
    assert over(after_restart, after_restart.get(name)).state is JobState.DONE


def test_whoever_watches_is_told_of_start_progress_and_end(
    project: Project, command: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_EVERY", 0.02)
    command("console.step('train'); time.sleep(0.3); console.step('embed'); time.sleep(0.3)")
    jobs = Jobs(project)
    told: list[Job] = []
    jobs.watch(told.append)
    started = jobs.start("round")
    over(jobs, started)
    end = time.monotonic() + 5
    while (not told or told[-1].state is JobState.RUNNING) and time.monotonic() < end:
        time.sleep(0.02)
    jobs.close()
    assert [job.step for job in told if job.step] == ["train", "embed", "embed"]
    assert told[-1].state is JobState.DONE


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("rounds", {}, 'There is no "rounds" to start'),
        ("release", {}, 'A release needs "version"'),
        ("round", {"version": "1"}, 'A round takes no "version"'),
    ],
)
def test_what_cannot_be_started_is_refused(
    project: Project, kind: str, arguments: dict[str, str], message: str
) -> None:
    jobs = Jobs(project)
    with pytest.raises(JobError, match=message):
        jobs.start(kind, arguments)
    assert not jobs.all()


@pytest.mark.parametrize("name", ["nothing", "../shop", "", ".", "/etc"])
def test_a_job_that_is_none_of_ours_is_not_found(project: Project, name: str) -> None:
    with pytest.raises(UnknownRecord, match="There is no job"):
        Jobs(project).get(name)


@pytest.mark.parametrize("said", ["{", "[]", "{}", '{"kind": "round", "started_at": "soon"}'])
def test_a_folder_that_cannot_be_read_hides_no_other_job(
    project: Project, command: Callable[[str], None], said: str
) -> None:
    command("pass")
    jobs = Jobs(project)
    damaged = project.root / "jobs" / "20260101T000000000000-round-abcdef"
    damaged.mkdir(parents=True)
    (damaged / "job.json").write_text(said)
    started = jobs.start("round")
    assert [job.id for job in jobs.all()] == [started.id]
    with pytest.raises(UnknownRecord, match="Delete it"):
        jobs.get(damaged.name)
    jobs.close()
