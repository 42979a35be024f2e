"""The probe launched exactly as on a host: through `sh -c`, out of the bundle, under every Python there is here."""

import json
import os
import select
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from leptontui import __version__
from leptontui.model.target import HostTarget, ScriptSpec, ServiceSpec
from leptontui.sources.bundle import EATEN_STATUS, FOREIGN_SHELL_STATUS, NO_PYTHON_STATUS, launch_argv, launch_stdin
from leptontui.sources.ssh_speech import Speech
from leptontui.wire import Event, Hello, Sweep

VERSIONS = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
MINORS = ("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
HERE = "here"
FIRST = "GPU-00000000-0000-0000-0000-000000000000"
SECOND = "GPU-00000000-0000-0000-0000-000000000001"


@pytest.fixture(params=[HERE, *MINORS])
def only_python(request, tmp_path):
    """A PATH on which this Python is the only one, as python3."""
    if request.param == HERE:
        python = Path(sys.executable).resolve()
    else:
        found = sorted(VERSIONS.glob(f"{request.param}.*/bin/python3"))
        if not found:
            pytest.skip(f"Python {request.param} is not installed")
        python = found[0]
    return path_with(tmp_path, python3=python)


def path_with(tmp_path, **commands):
    directory = tmp_path / "bin"
    directory.mkdir()
    (directory / "sh").symlink_to(shutil.which("sh"))
    for name, target in commands.items():
        script = directory / name
        script.write_text(f'#!/bin/sh\nexec "{target}" "$@"\n')
        script.chmod(0o755)
    return str(directory)


def test_every_python_speaks_the_protocol(launch, gpus, only_python):
    gpus.set(count=8, gpu3_temp=91, gpu0_process=f"{os.getpid()} 1048576")
    probe = launch(path=only_python, environment=gpus.environment)
    hello = probe.say()
    assert isinstance(hello, Hello)
    assert len(hello.gpus) == 8
    assert hello.gpus[3].pci_bus_id == "00000000:3E:00.0"
    assert hello.driver_version == "580.159.03"
    assert hello.probe == f"leptontui {__version__}"
    assert hello.interval_s == 0.1
    first, second = probe.sweep(), probe.sweep()
    assert isinstance(first, Sweep)
    assert second.seq == first.seq + 1
    assert second.t_mono_s > first.t_mono_s
    assert second.cpu.util_pct is not None
    assert len(second.cpu.cores_pct) == hello.cpu_count
    assert 0 < second.memory.used_bytes < second.memory.total_bytes == hello.memory_total_bytes
    assert any(row.mount == "/" and row.total_bytes > 0 for row in second.filesystems)
    assert all(nic.nic != "lo" for nic in second.nics)
    assert [gpu.temp_c for gpu in second.gpus] == [64, 64, 64, 91, 64, 64, 64, 64]
    (process,) = second.processes
    assert process.pid == os.getpid()
    assert process.uuid == FIRST
    assert "py" in process.command
    assert second.probe.rss_bytes > 0
    assert probe.end() == 0
    assert probe.process.stderr.read() == b""


def test_it_ends_when_stdin_closes_and_leaves_nothing(launch, gpus):
    probe = launch(interval_s=600.0, environment=gpus.environment)
    probe.hello()
    children = Path(f"/proc/{probe.process.pid}/task/{probe.process.pid}/children")
    assert children.read_text() == ""
    # The next sweep is minutes away: it is the closing that ends it.
    assert probe.end() == 0


def test_it_ends_when_stdout_breaks(launch, gpus):
    probe = launch(interval_s=600.0, environment=gpus.environment)
    probe.hello()
    probe.process.stdout.close()
    assert probe.process.wait(30) == 0


def test_it_ends_while_the_driver_hangs(launch, gpus):
    probe = launch(environment=gpus.environment, driver_limit_s=600.0)
    probe.sweep()
    gpus.set(count=2, gpu0_hang=1)
    # Sweeps end when one of them waits for the driver, as nothing else is said any more.
    while select.select([probe.process.stdout], [], [], 1.0)[0]:
        probe.say()
    assert probe.end() == 0


def test_a_driver_that_hangs_is_told_once_and_everything_else_goes_on(launch, gpus):
    probe = launch(environment=gpus.environment, driver_limit_s=1.0)
    assert len(probe.sweep().gpus) == 2
    gpus.set(count=2, gpu1_hang=1)
    assert "1 s" in probe.event("driver-hung").text
    messages = [probe.say() for _ in range(5)]
    sweeps = [message for message in messages if isinstance(message, Sweep)]
    assert len(sweeps) >= 4
    assert all(sweep.is_driver_hung and sweep.cpu.util_pct is not None for sweep in sweeps)
    assert not any(gpu.uuid == SECOND for sweep in sweeps for gpu in sweep.gpus)
    assert probe.sweep(lambda sweep: sweep.gpus).gpus[0].uuid == FIRST
    assert not any(isinstance(message, Event) for message in messages)
    gpus.set(count=2)
    assert probe.event("driver-answers").gpu_uuid is None
    assert not probe.sweep(lambda sweep: len(sweep.gpus) == 2).is_driver_hung


def test_a_driver_that_hangs_from_the_start_does_not_keep_the_hello_back(launch, gpus):
    gpus.set(count=2, hang=1)
    probe = launch(environment=gpus.environment, driver_limit_s=1.0)
    hello = probe.say()
    assert isinstance(hello, Hello)
    assert hello.gpus == ()
    assert {gap.what: gap.why for gap in hello.unavailable}["gpu"].startswith("the NVIDIA driver has not answered")
    probe.event("driver-hung")
    gpus.set(count=2)
    probe.event("driver-answers")
    # The driver's version may be told before its GPUs are.
    assert len(probe.until(lambda message: isinstance(message, Hello) and message.gpus).gpus) == 2


def test_a_lost_gpu_is_told_once_and_is_absent(launch, gpus):
    probe = launch(environment=gpus.environment)
    assert len(probe.sweep().gpus) == 2
    gpus.set(count=2, gpu1_lost=1)
    event = probe.event("gpu-lost")
    assert event.gpu_uuid == SECOND
    messages = [probe.say() for _ in range(5)]
    assert all(isinstance(message, Sweep) for message in messages)
    assert all([gpu.uuid for gpu in sweep.gpus] == [FIRST] for sweep in messages)


def test_an_xid_is_pushed_at_once_with_its_gpu(launch, gpus, tmp_path):
    log = tmp_path / "kmsg"
    os.mkfifo(log)
    end = os.open(log, os.O_RDWR)
    probe = launch(environment=gpus.environment, interval_s=600.0, kmsg=str(log))
    probe.hello()
    os.write(end, b"4,1,2,-;NVRM: Xid (PCI:0000:3c:00): 79, pid=7, GPU has fallen off the bus.\n")
    event = probe.event("xid")
    assert (event.code, event.gpu_uuid) == (79, SECOND)
    assert event.text.startswith("NVRM: Xid")
    os.write(end, b"4,1,2,-;NVRM: Xid (PCI:0000:99:00): 13, pid=7\n")
    event = probe.event("xid")
    assert (event.code, event.gpu_uuid) == (13, None)
    os.close(end)


def test_without_the_kernel_log_the_driver_tells_of_xids(launch, gpus):
    probe = launch(environment=gpus.environment, kmsg="/nowhere")
    assert "kernel log" in {gap.what for gap in probe.hello().unavailable}
    gpus.set(count=2, gpu1_xid=48)
    event = probe.event("xid")
    assert (event.code, event.gpu_uuid) == (48, SECOND)


def test_a_host_without_a_gpu_is_an_ordinary_host(launch):
    probe = launch(environment={"LD_LIBRARY_PATH": "/nowhere"})
    hello = probe.say()
    assert hello.gpus == ()
    gaps = {gap.what: gap.why for gap in hello.unavailable}
    assert gaps["gpu"] == "no NVIDIA driver (libnvidia-ml.so.1 not found)"
    assert probe.sweep().gpus == ()


def test_readers_that_fail_do_not_stop_the_others(launch, tree):
    root = tree({"loadavg": "0.5 0.4 0.3 1/2 3\n", "stat": "cpu 1 2", "meminfo": b"\xff\x00", "mounts": "x"})
    probe = launch(proc=root, sys=root, etc=root, kmsg=root + "/none")
    assert {"pressure", "kernel log"} <= {gap.what for gap in probe.say().unavailable}
    sweep = probe.sweep(lambda sweep: sweep.seq == 2)
    assert sweep.load1 == 0.5
    assert sweep.uptime_s is None
    assert sweep.memory.total_bytes is None
    assert sweep.disks == ()


def script(text):
    """A stand-in for a Python."""
    return "#!/bin/sh\n" + text


MINIMAL = """import builtins, sys
asked_for = builtins.__import__
def without(name, *rest):
    if name.partition(".")[0] in ("json", "ctypes"):
        raise ModuleNotFoundError("No module named " + repr(name), name=name)
    return asked_for(name, *rest)
builtins.__import__ = without
exec(sys.argv[-1], {"__name__": "__main__"})
"""
"""What Debian's python3-minimal is: it runs, and lacks half of its library."""


def unfit_pythons():
    """(name, content of python3, what it says of itself) for each way in which a Python may be of no use."""
    two = sorted(VERSIONS.glob("2.7.*/bin/python2.7"))
    minimal = shlex.join([sys.executable, "-c", MINIMAL])
    yield "minimal", script(f'exec {minimal} "$@"\n'), "No module named 'json'"
    yield "broken", script("echo 'python3: error while loading shared libraries' >&2; exit 127\n"), "shared libraries"
    yield "too old", script('echo "it is 3.4.2" >&2; exit 1\n'), "it is 3.4.2"
    if two:
        yield "2.7 as python3", script(f'exec {two[-1]} "$@"\n'), "python -h"


@pytest.mark.parametrize(("python", "says"), [pytest.param(*rest, id=name) for name, *rest in unfit_pythons()])
def test_where_no_python_is_fit_the_fallback_speaks_and_says_why(launch, tmp_path, no_platform_python, python, says):
    directory = Path(path_with(tmp_path))
    (directory / "python3").write_text(python)
    (directory / "python3").chmod(0o755)
    probe = launch(path=str(directory), interval_s=1.0)
    hello = probe.say()
    assert hello.runtime == "sh"
    why = {gap.what: gap.why for gap in hello.unavailable}["python"]
    assert why.startswith("this host's python3 cannot run the probe (")
    assert says in why
    assert probe.end() == 0


def test_where_there_is_no_python_the_fallback_speaks(launch, tmp_path, no_platform_python):
    # Python 2 has another name, and is not asked.
    (python2,) = sorted(VERSIONS.glob("2.7.*/bin/python2.7"))[-1:] or ["/nowhere/python2"]
    probe = launch(path=path_with(tmp_path, python2=python2, python=python2), interval_s=1.0)
    assert probe.say().runtime == "sh"
    assert probe.end() == 0


def test_without_python_and_awk_it_says_so(launch, tmp_path, no_platform_python):
    directory = Path(path_with(tmp_path))
    for name in ("awk", "mawk", "gawk", "busybox", "nawk"):
        (directory / name).write_text(script("exit 127\n"))
        (directory / name).chmod(0o755)
    probe = launch(path=str(directory))
    assert probe.process.wait(30) == NO_PYTHON_STATUS
    assert probe.process.stderr.read() == b"lepton: neither a usable python3 (3.6 or newer) nor awk on this host\n"


@pytest.fixture
def no_platform_python():
    if Path("/usr/libexec/platform-python").exists():
        pytest.skip("this machine has a Python at a place that is looked at by its full path")


def test_a_python_that_is_too_old_or_broken_is_passed_over(launch, tmp_path, gpus):
    path = path_with(tmp_path, **{"python3": "/nowhere/python3", "python3.9": Path(sys.executable).resolve()})
    probe = launch(path=path)
    assert probe.say().runtime == "python"


def test_the_launch_survives_every_login_shell():
    argv = launch_argv()
    assert argv[:2] == ("sh", "-c")
    assert argv[2].startswith("LEPTON_PROBE=1; ")
    assert not set("'!\n") & set(argv[2])


def test_what_is_sent_is_small_and_the_same_every_time():
    target = HostTarget("gpu001")
    sent = launch_stdin(target=target, interval_s=1.0, phase=0.5)
    assert sent == launch_stdin(target=target, interval_s=1.0, phase=0.5)
    header, _, rest = sent[sent.index(b"{") :].partition(b"\n")
    # Each dial of each host sends all of it.
    assert json.loads(header)["size"] < 80_000
    # In clear, as it must be for a host that may have no gunzip, and read byte by byte by the shell.
    assert json.loads(header)["skip"] < 50_000
    assert len(rest) == json.loads(header)["size"] + json.loads(header)["skip"]


def test_the_header_says_what_is_to_be_looked_after():
    target = HostTarget(
        "gpu001",
        units=("slurmd",),
        watch_units=("slurmd", "vllm"),
        services=(ServiceSpec("vllm", health="http://127.0.0.1:8000/health"),),
        scripts=(ScriptSpec("raid", ("cat", "it's \n here")),),
    )
    sent = launch_stdin(target=target, interval_s=2.0, phase=0.5)
    header = json.loads(sent[sent.index(b"{") :].partition(b"\n")[0])
    assert header["units"] == ["slurmd", "vllm"]
    assert header["services"][0]["health"] == "http://127.0.0.1:8000/health"
    assert header["scripts"][0]["command"] == ["cat", "it's \n here"]
    assert (header["interval_s"], header["phase"]) == (2.0, 0.5)


def test_a_bundle_that_is_cut_short_ends_it(launch):
    sent = launch_stdin(target=HostTarget("gpu001"), interval_s=1.0, phase=0.0)
    probe = launch(stdin=sent[:-5000])
    assert probe.end() != 0
    assert b"zlib" in probe.process.stderr.read()


def test_a_start_up_file_that_reads_ends_it_in_words(launch):
    # It takes the first lines, and all the rest.
    probe = launch(argv=("sh", "-c", "cat >/dev/null; " + shlex.join(launch_argv())))
    assert probe.end() == EATEN_STATUS


@pytest.mark.parametrize("lines", [1, 3])
def test_a_start_up_file_may_read_a_few_lines(launch, lines):
    probe = launch(argv=("sh", "-c", "read -r line; " * lines + shlex.join(launch_argv())))
    assert isinstance(probe.say(), Hello)
    assert probe.end() == 0


def test_a_shell_in_the_place_of_the_command_runs_nothing_of_it(launch):
    probe = launch(argv=("sh",))
    assert probe.process.wait(30) == FOREIGN_SHELL_STATUS
    assert probe.process.stdout.read() == b""


@pytest.mark.parametrize("shell", ["bash", "zsh", "csh", "tcsh", "fish", "dash", "ksh", "mksh", "rbash"])
@pytest.mark.parametrize("is_python_there", [True, False])
def test_every_login_shell_launches_it(launch, tmp_path, shell, is_python_there, no_platform_python):
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    path = os.environ["PATH"] if is_python_there else path_with(tmp_path)
    probe = launch(argv=(found, "-c", shlex.join(launch_argv())), path=path, interval_s=1.0)
    assert probe.say().runtime == ("python" if is_python_there else "sh")
    assert probe.end() == 0


NOISE = """\
echo "*** Authorised use only ***"
printf '\\033[31mmaintenance on Friday\\033[0m\\n'
printf '{"maintenance": true}\\n\\377\\376 binary \\001\\000\\n'
"""


@pytest.mark.parametrize(("shell", "file"), [("bash", ".bashrc"), ("zsh", ".zshenv"), ("tcsh", ".tcshrc")])
def test_a_start_up_file_that_prints_is_noise_before_the_hello(launch, tmp_path, shell, file):
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    noise = NOISE.replace("printf '", "/usr/bin/printf '") if shell == "tcsh" else NOISE
    (tmp_path / file).write_text(noise)
    probe = launch(
        argv=(found, "-c", shlex.join(launch_argv())),
        environment={"HOME": str(tmp_path), "SSH_CLIENT": "10.0.0.1 1 22", "SHLVL": "0", "BASH_ENV": ""},
        interval_s=1.0,
    )
    speech, message = Speech(1.0), None
    while message is None:
        message = speech.hear(probe.line(), 0.0)
    assert isinstance(message, Hello)
    # bash reads it for a command only where it takes itself to be started by sshd.
    assert "binary" in speech.last_noise or shell == "bash"
    assert probe.end() == 0
