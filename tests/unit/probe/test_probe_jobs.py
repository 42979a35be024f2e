"""Who uses the GPUs: cgroups and environments as real systems have them, and command lines without their secrets."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui import wire
from leptontui.probe import attribution, masking, processes
from leptontui.probe.processes import Describer, ProcessReader

WAIT_S = 20.0
ID = "3f4d2a7be1c94f0d8a6f5e2c1b0a99887766554433221100ffeeddccbbaa9988"
UID = "1e597579-417e-482f-bf65-5fe170c3aebd"
SLICE = UID.replace("-", "_")
STATIC = "c2f5a4f1d9e84b7aa1b2c3d4e5f60718"

V1_SLURM = """11:hugetlb:/
10:devices:/slurm/uid_1000/job_8812/step_0/task_0
9:cpuset:/slurm/uid_1000/job_8812/step_0
8:perf_event:/
7:freezer:/slurm/uid_1000/job_8812/step_0
6:cpuacct,cpu:/slurm/uid_1000/job_8812/step_0/task_0
5:pids:/system.slice/slurmd.service
4:memory:/slurm/uid_1000/job_8812/step_0/task_0
3:net_prio,net_cls:/
2:blkio:/system.slice/slurmd.service
1:name=systemd:/system.slice/slurmd.service
"""
# Of Slurm 22.05 with proctrack/cgroup and task/cgroup, as it was.
V1_SLURM_22 = """9:name=systemd:/
8:pids:/
7:blkio:/
6:freezer:/slurm_vm/uid_0/job_1/step_batch
5:devices:/
4:memory:/user.slice
3:cpuset:/slurm_vm/uid_0/job_1/step_batch
2:cpuacct:/
1:cpu:/
0::/
"""
V1_SLURM_JOB_ONLY = """9:cpuset:/slurm_gpu07/uid_1000/job_77
4:memory:/slurm_gpu07/uid_1000/job_77/step_batch/task_0
1:name=systemd:/system.slice/slurmd.service
"""
V1_DOCKER = f"""12:memory:/docker/{ID}
11:devices:/docker/{ID}
1:name=systemd:/docker/{ID}
0::/system.slice/containerd.service
"""
V1_KUBERNETES = f"""11:memory:/kubepods/burstable/pod{UID}/{ID}
1:name=systemd:/kubepods/burstable/pod{UID}/{ID}
"""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (V1_SLURM, {"job": "8812", "step": "0"}),
        (V1_SLURM_22, {"job": "1", "step": "batch"}),
        (V1_SLURM_JOB_ONLY, {"job": "77", "step": "batch"}),
        ("0::/system.slice/slurmstepd.scope/job_8812/step_0/user/task_0\n", {"job": "8812", "step": "0"}),
        (
            "0::/system.slice/gpu07_slurmstepd.scope/job_9/step_extern/user/task_special\n",
            {"job": "9", "step": "extern"},
        ),
        ("0::/system.slice/slurmstepd.scope/job_9/step_interactive/user\n", {"job": "9", "step": "interactive"}),
        # slurmd in a pod: the job's processes are the job's and the pod's.
        (
            f"0::/kubepods.slice/kubepods-pod{SLICE}.slice/system.slice/slurmstepd.scope/job_4/step_1/user/task_0\n",
            {"job": "4", "step": "1", "pod_uid": UID},
        ),
        # Rootless podman in a job, without and with a delegated cgroup.
        (
            f"0::/system.slice/slurmstepd.scope/job_4/step_0/user/libpod-{ID}.scope\n",
            {"job": "4", "step": "0", "container": ID[:12]},
        ),
        ("0::/job_3/step_1\n", {"job": "3", "step": "1"}),
        ("0::/user.slice/my_job_12\n", {}),
        # What users call a cgroup of their own.
        ("0::/user.slice/user-1000.slice/user@1000.service/slurm/uid_0/job_99/step_0\n", {}),
        ("0::/../../user.slice/user-1000.slice/slurmstepd.scope/job_99\n", {}),
        ("0::/system.slice/foo.service/job_99\n", {}),
        # Docker: cgroupfs on v1, systemd on v1 and v2, seen from another namespace.
        (V1_DOCKER, {"container": ID[:12]}),
        (f"0::/system.slice/docker-{ID}.scope\n", {"container": ID[:12]}),
        (f"0::/../docker-{ID}.scope/init\n", {"container": ID[:12]}),
        # Podman: root's, rootless, and its pods.
        (f"0::/machine.slice/libpod-{ID}.scope/container\n", {"container": ID[:12]}),
        (
            f"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container\n",
            {"container": ID[:12]},
        ),
        (f"0::/system.slice/nerdctl-{ID}.scope\n", {"container": ID[:12]}),
        ("0::/lxc.payload.train-a/system.slice/ssh.service\n", {"container": "train-a"}),
        # Kubernetes: the three classes, both drivers, and the runtimes.
        (V1_KUBERNETES, {"pod_uid": UID, "container": ID[:12]}),
        (f"0::/kubepods/pod{UID}/{ID}\n", {"pod_uid": UID, "container": ID[:12]}),
        (f"0::/kubepods/besteffort/pod{UID}/{ID}\n", {"pod_uid": UID, "container": ID[:12]}),
        (
            f"0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{SLICE}.slice/cri-containerd-{ID}.scope\n",
            {"pod_uid": UID, "container": ID[:12]},
        ),
        (
            f"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{SLICE}.slice/crio-{ID}.scope\n",
            {"pod_uid": UID, "container": ID[:12]},
        ),
        (
            f"11:memory:/kubepods.slice/kubepods-pod{SLICE}.slice/docker-{ID}.scope\n",
            {"pod_uid": UID, "container": ID[:12]},
        ),
        (
            f"0::/system.slice/containerd.service/kubepods-burstable-pod{SLICE}.slice:cri-containerd:{ID}\n",
            {"pod_uid": UID, "container": ID[:12]},
        ),
        (
            (
                f"0::/docker/{ID[::-1]}/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
                f"kubelet-kubepods-besteffort-pod{SLICE}.slice/cri-containerd-{ID}.scope\n"
            ),
            {"pod_uid": UID, "container": ID[:12]},
        ),
        (f"0::/kubepods/burstable/pod{STATIC}/{ID}\n", {"pod_uid": STATIC, "container": ID[:12]}),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", {}),
        ("", {}),
    ],
)
def test_cgroups_of_real_systems(content, said):
    assert attribution.parse_cgroup(content.encode()) == said


def environ(**variables):
    return b"".join(f"{name}={value}".encode() + b"\0" for name, value in variables.items())


def slurm(cgroup, **variables):
    return attribution.slurm_of(attribution.parse_cgroup(cgroup), attribution.parse_environ(environ(**variables)))


def test_without_cgroups_the_environment_tells_the_job():
    assert slurm(b"0::/\n", SLURM_JOB_ID="12", SLURM_STEP_ID="3") == ("12", "3", None)
    assert slurm(b"0::/\n", SLURM_JOBID="12", SLURM_STEPID="4294967291") == ("12", "batch", None)
    assert slurm(b"0::/\n", SLURM_JOB_ID="12", SLURM_STEP_ID="4294967280") == ("12", "4294967280", None)
    assert slurm(b"0::/\n", SLURM_JOB_ID="12", SLURM_STEP_ID="4294967290") == ("12", "interactive", None)
    assert slurm(b"0::/\n", SLURM_JOB_ID="12", SLURM_STEP_ID="4294967293") == ("12", None, None)
    assert slurm(b"0::/\n", SLURM_JOB_ID="$(reboot)") == (None, None, None)
    assert slurm(b"0::/\n", SLURM_STEP_ID="3") == (None, None, None)


def test_the_cgroup_is_believed_before_the_environment():
    cgroup = b"0::/system.slice/slurmstepd.scope/job_7/step_0/user/task_0\n"
    assert slurm(cgroup, SLURM_JOB_ID="12", SLURM_STEP_ID="9") == ("7", "0", None)
    assert slurm(cgroup, SLURM_JOB_ID="12", SLURM_ARRAY_JOB_ID="10", SLURM_ARRAY_TASK_ID="2") == ("7", "0", None)


def test_a_task_of_an_array_is_called_as_slurm_calls_it():
    cgroup = b"0::/system.slice/slurmstepd.scope/job_12/step_batch/user/task_0\n"
    assert slurm(cgroup, SLURM_JOB_ID="12", SLURM_ARRAY_JOB_ID="10", SLURM_ARRAY_TASK_ID="2") == ("12", "batch", "10_2")


def test_pods_are_named_by_the_kubelets_directories_and_else_by_the_environment():
    names = [f"training_llm-worker-0_{UID}", f"kube-system_etcd-cp1_{STATIC}", "lost+found", "A_b_c", "x_y\udcff_z"]
    assert attribution.parse_pod_logs(names) == {UID: "training/llm-worker-0", STATIC: "kube-system/etcd-cp1"}
    variables = attribution.parse_environ(environ(POD_NAMESPACE="training", HOSTNAME="llm-worker-0"))
    assert attribution.pod_of(variables) == "training/llm-worker-0"
    assert attribution.pod_of(attribution.parse_environ(environ(HOSTNAME="llm-worker-0"))) is None
    assert attribution.pod_of(attribution.parse_environ(environ(POD_NAMESPACE="[b]x", POD_NAME="a"))) is None


@given(st.binary(max_size=300))
def test_garbage_in_cgroups_and_environments_attributes_nothing_unprintable(content):
    variables = attribution.parse_environ(b"SLURM_JOB_ID=" + content)
    for said in (attribution.parse_cgroup(b"0::/slurm/uid_0/job_" + content), {}):
        words = [*attribution.slurm_of(said, variables), attribution.pod_of(variables), *said.values()]
        assert all(word is None or (word.isascii() and word.isprintable() and len(word) <= 300) for word in words)


# Describing processes


def stat(start=22, name=b"python"):
    words = [b"%d" % number for number in range(5, 40)]
    words[17] = b"%d" % start
    return b"5 (" + name + b") S 1 " + b" ".join(words)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def process(tree):
    """Writes a process's files; returns where they are."""

    def write(pid, **files):
        files.setdefault("stat", stat())
        return tree(
            {"passwd": b"anna:x:%d:1::/:/bin/sh\n" % os.getuid(), **{f"{pid}/{k}": v for k, v in files.items()}}
        )

    return write


def test_a_job_of_slurm(process):
    root = process(
        5,
        cmdline=b"python\0train.py\0--hf-token\0hf_abc\0",
        cgroup=V1_SLURM,
        environ=environ(PATH="/bin", SLURM_JOB_ID="8812", SLURM_ARRAY_JOB_ID="8800", SLURM_ARRAY_TASK_ID="3"),
    )
    described = Describer(root, root)(5)
    assert described == {"user": "anna", "command": "python train.py --hf-token ***", "job": "8800_3", "step": "0"}


def test_all_processes_of_an_array_task_have_its_name_once_one_tells_it(process):
    cgroup = "0::/system.slice/slurmstepd.scope/job_12/step_0/user/task_0\n"
    # setproctitle writes over the environment of some.
    root = process(5, cgroup=cgroup, environ=b"")
    process(6, cgroup=cgroup, environ=environ(SLURM_JOB_ID="12", SLURM_ARRAY_JOB_ID="10", SLURM_ARRAY_TASK_ID="2"))
    describe = Describer(root, root)
    assert describe(5)["job"] == "12"
    assert describe(6)["job"] == "10_2"
    assert describe(5)["job"] == "10_2"


def test_a_pod_of_kubernetes_by_name_and_else_by_uid(process, tmp_path):
    cgroup = f"0::/kubepods.slice/kubepods-burstable-pod{SLICE}.slice/cri-containerd-{ID}.scope\n"
    root = process(5, cgroup=cgroup, environ=environ(HOSTNAME="worker-0"), comm="vllm\n")
    clock = Clock()
    describe = Describer(root, root, str(tmp_path / "pods"), clock)
    assert describe(5) == {"user": "anna", "command": "vllm", "pod": UID, "container": ID[:12]}
    (tmp_path / "pods" / f"serving_worker-0_{UID}").mkdir(parents=True)
    assert describe(5)["pod"] == UID
    clock.now = processes.REFRESH_S
    assert describe(5)["pod"] == "serving/worker-0"


def test_apptainer_names_its_containers_in_the_environment_only(process):
    root = process(5, cgroup=V1_SLURM, environ=environ(APPTAINER_NAME="pytorch_24.05.sif"))
    assert Describer(root, root)(5)["container"] == "pytorch_24.05.sif"


def test_a_number_that_another_process_took_over_is_described_anew(process):
    root = process(5, cmdline="first\0")
    describe = Describer(root, root)
    assert describe(5)["command"] == "first"
    process(5, cmdline="second\0")
    assert describe(5)["command"] == "first"
    process(5, cmdline="second\0", stat=stat(start=23))
    assert describe(5)["command"] == "second"


def test_what_runs_is_read_a_few_times_a_minute_and_not_with_every_sweep(process, monkeypatch):
    root = process(5, cmdline="a\0", cgroup="0::/\n", environ="")
    clock = Clock()
    describe = Describer(root, root, clock=clock)
    read = []
    monkeypatch.setattr(processes, "read_or_none", lambda path, *_: read.append(path))
    for clock.now in range(60):
        describe(5)
    assert len([path for path in read if path.endswith("/cmdline")]) == 2


def test_the_same_processes_are_looked_at_every_few_seconds_and_new_ones_at_once():
    clock, asked = Clock(), []
    reader = ProcessReader(lambda pid: asked.append(pid) or {"user": str(pid)}, clock=clock)
    for clock.now, pids in ((0.0, (1, 2)), (1.0, (1, 2)), (2.0, (1, 2, 3)), (6.9, (1, 2, 3)), (7.0, (1, 2, 3))):
        uses = [{"uuid": "g", "pid": pid} for pid in pids]
        reader.ask(uses)
        reader.join(WAIT_S)
        assert [row["user"] for row in reader.rows(uses)] == [str(pid) for pid in pids]
    assert asked == [1, 2, 1, 2, 3, 1, 2, 3]


def test_this_process_itself():
    described = Describer()(os.getpid())
    assert "python" in described["command"]
    assert described["user"]


def test_an_environment_that_may_not_be_read_is_said_where_it_would_have_told_something(process, monkeypatch):
    root = process(5, cmdline="a\0", cgroup="0::/\n")
    process(6, cmdline="a\0", cgroup=V1_SLURM)

    def refuse(path, *limits):
        if path.endswith("environ"):
            raise PermissionError(13, "Permission denied")
        return read_once(path, *limits)

    read_once = processes.read_once
    monkeypatch.setattr(processes, "read_once", refuse)
    reader = ProcessReader(Describer(root, root))
    for pid, gaps in ((6, {}), (5, {"environments of gpu processes": processes._WHY_NO_ENVIRON})):
        uses = [{"uuid": "g", "pid": pid}]
        reader.ask(uses)
        reader.join(WAIT_S)
        assert all(not field.startswith("_") for row in reader.rows(uses) for field in row)
        assert reader.gaps == gaps


def test_with_hidepid_processes_are_listed_without_user_and_command_and_it_is_said_why(tree, monkeypatch):
    def refuse(_pid, _signal):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(processes.os, "kill", refuse)
    root = tree({"passwd": ""})
    reader = ProcessReader(Describer(root, root))
    uses = [{"uuid": "g", "pid": 77, "memory_used_bytes": 5}]
    reader.ask(uses)
    reader.join(WAIT_S)
    assert reader.rows(uses) == uses
    assert reader.gaps == {"gpu processes": "other users' processes are hidden (/proc is mounted with hidepid)"}


HIDDEN = """
import json, os, subprocess, sys
subprocess.run(["mount", "--make-rprivate", "/"], check=True)
subprocess.run(["mount", "-t", "proc", "-o", "hidepid=" + sys.argv[1], "proc", "/proc"], check=True)
from leptontui.probe import processes
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
reader = processes.ProcessReader(processes.Describer())
uses = [{"uuid": "g", "pid": int(sys.argv[2])}]
reader.ask(uses)
reader.join(20.0)
print(json.dumps([reader.rows(uses)[0].get("user"), reader.rows(uses)[0].get("command"), sorted(reader.gaps)]))
"""


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("unshare"), reason="a /proc of one's own needs root")
@pytest.mark.parametrize(
    ("hidepid", "told"),
    [
        ("0", ["root", "sleep 1000", ["environments of gpu processes"]]),
        ("1", ["root", None, ["gpu processes"]]),
        ("2", [None, None, ["gpu processes"]]),
    ],
)
def test_a_real_proc_with_hidepid_as_another_user(hidepid, told):
    with subprocess.Popen(["sleep", "1000"]) as user:
        try:
            command = ["unshare", "-m", sys.executable, "-B", "-c", HIDDEN, hidepid, str(user.pid)]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        finally:
            user.kill()
    if done.returncode and "mount" in done.stderr:
        pytest.skip("no /proc may be mounted here")
    assert done.stderr == ""
    assert json.loads(done.stdout) == told


def test_a_process_that_ended_is_nothing_to_complain_of(tree):
    root = tree({"passwd": ""})
    reader = ProcessReader(Describer(root, root))
    uses = [{"uuid": "g", "pid": 1 << 22}]
    reader.ask(uses)
    reader.join(WAIT_S)
    assert reader.rows(uses) == uses
    assert reader.gaps == {}


def test_ten_thousand_processes_are_cut_and_it_is_said():
    reader = ProcessReader(lambda pid: {"user": str(pid)})
    uses = [{"uuid": "g", "pid": pid} for pid in range(10000)]
    reader.ask(uses)
    reader.join(WAIT_S)
    assert len(reader.rows(uses)) == processes.MOST
    assert "rest was left out" in reader.gaps["gpu processes"]


def test_rows_are_the_wires(process):
    root = process(5, cmdline="a\0", cgroup=V1_SLURM, environ="")
    reader = ProcessReader(Describer(root, root))
    uses = [{"uuid": "g", "pid": 5}]
    reader.ask(uses)
    reader.join(WAIT_S)
    sweep = {"kind": "sweep", "v": wire.VERSION, "seq": 0, "t_unix_s": 0.0, "t_mono_s": 0.0}
    message = wire.decode(json.dumps(dict(sweep, processes=reader.rows(uses))).encode())
    assert message.processes[0].job == "8812"
    assert message.processes[0].step == "0"


def test_commands_take_no_more_of_a_line_than_they_may():
    command = processes.parse_command("\U0001f600".encode() * 1000)
    assert len(json.dumps(command)) < 800
    assert len(processes.parse_command(b"x" * 4000)) == 256


# Secrets


SECRET = "Zx9Qm4TvLw82PsKd"


@pytest.mark.parametrize(
    "words",
    [
        ["serve", "--api-key", SECRET],
        ["serve", f"--api-key={SECRET}"],
        ["serve", "-token", SECRET],
        ["train", f"+wandb.api_key={SECRET}"],
        ["train", f"HF_TOKEN={SECRET}", "python"],
        ["train", f"HFTOKEN={SECRET}"],
        ["train", f"--dbPassword={SECRET}", "x"],
        ["train", f"awsSecretAccessKey={SECRET}"],
        ["train", "--password", f"-{SECRET}"],
        ["train", f"postgres://anna:{SECRET}@db/x"],
        ["train", f"--store=redis://:{SECRET}@cache:6379/0"],
        ["train", f"https://{SECRET}@github.com/x/y"],
        ["train", f"https://host/model?rev=2&token={SECRET}&x=1"],
        ["train", f"url=https://host/model?X-Amz-Signature={SECRET}"],
        ["curl", "-H", f"Authorization: Bearer {SECRET}"],
        ["curl", "-H", f"Authorization: token {SECRET}"],
        ["curl", "-H", f"X-API-Key: {SECRET}"],
        ["sh", "-c", f"export HF_TOKEN={SECRET}; python train.py"],
        ["sh", "-c", f"HF_TOKEN='{SECRET} {SECRET}' python train.py --lr 1"],
        ["sh", "-c", f'python train.py --api-key "{SECRET} {SECRET}"'],
        ["sh", "-c", f"python train.py --api-key {SECRET} --lr 1"],
        ["train", "--config", f'{{"api_key": "{SECRET}", "lr": 1}}'],
        ["train", "--config", f"{{'db': {{'password': '{SECRET}'}}}}"],
        ["sh", "-c", f'curl -d "{{\\"password\\": \\"{SECRET} {SECRET}\\", \\"n\\": 1}}" http://x'],
        ["train", "--db-pw", SECRET],
        ["train", f"hf_{SECRET}{SECRET}"],
        ["train", f"sk-proj-{SECRET}{SECRET}"],
        ["train", f"https://x/eyJhbGciOiJI.eyJzdWIiOiIx.{SECRET}"],
        ["train", f"AKIA{SECRET.upper()}"],
        ["train", f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----"],
        [f"ray::Trainer token={SECRET}"],
    ],
)
def test_secrets_are_masked(words):
    shown = masking.masked(words)
    assert SECRET.lower() not in shown.lower()
    assert masking.MASK in shown
    assert shown.startswith(words[0].partition(" ")[0])


def test_who_logs_in_where_is_left_to_be_seen():
    assert masking.masked_text("postgres://anna:x@db:5432/runs") == "postgres://anna:***@db:5432/runs"
    assert masking.masked_text("https://x@github.com/a/b") == "https://***@github.com/a/b"
    assert masking.masked_text("a?token=x&rev=2") == "a?token=***&rev=2"


@pytest.mark.parametrize(
    "words",
    [
        ["python", "-m", "vllm.entrypoints.openai.api_server", "--model", "meta-llama/Llama-3.1-70B", "--port", "8000"],
        ["python", "train.py", "--max-tokens", "4096", "--tokenizer", "gpt2", "--num_batched_tokens=8192"],
        ["torchrun", "--rdzv-endpoint=10.0.0.1:29500", "--nnodes", "4", "train.py", "--seed=1", "trainer.lr=3e-4"],
        ["tritonserver", "--model-repository", "s3://models/prod", "--http-port=8000"],
        ["nvidia-smi", "-q", "-x"],
        ["ssh", "ssh://anna@gpu01:22"],
        ["curl", "http://127.0.0.1:8000/health?verbose=1"],
        ["python", "-c", "import torch; x = torch.zeros(3)"],
    ],
)
def test_commands_without_secrets_are_left_as_they_are(words):
    assert masking.masked(words) == " ".join(words)


@given(
    name=st.sampled_from(["token", "api_key", "DB_PASSWORD", "clientSecret", "wandb.api-key"]),
    before=st.lists(st.text("abc-=:/ \"'{", max_size=12), max_size=4),
    after=st.lists(st.text("abc-=:/ \"'}", max_size=12), max_size=4),
)
def test_a_secret_is_masked_whatever_is_around_it(name, before, after):
    shown = masking.masked([*before, f"--{name}={SECRET}", *after])
    assert SECRET not in shown


def test_a_long_command_is_not_dear_to_mask():
    for text in ("a" * 100000, "a=" * 50000, "-a " * 30000, "token " * 20000, "http://" * 20000, "'" * 100000):
        assert len(masking.masked([text])) <= 3 * masking.LONGEST
