"""Whose work a process does: its Slurm job and step, Kubernetes pod and container, by cgroup and environment.

The cgroup is the kernel's word. The environment is the process's own: it is believed where the cgroup says nothing, and
for what cgroups do not tell, such as names.
"""

import re

_DIGITS = re.compile(rb"\d{1,18}\Z")
_STEP = re.compile(rb"[a-z0-9+_.]{1,32}\Z", re.IGNORECASE)
_LABEL = re.compile(rb"[a-z0-9](?:[a-z0-9.\-]{0,251}[a-z0-9])?\Z")
_WORD = re.compile(rb"[\w.\-]{1,64}\Z")
_MOST_STEP = 0xFFFFFFF0
"""Numbers above are Slurm's special steps (slurm.h; the last two are those before 20.11)."""
_SPECIAL = {
    0xFFFFFFFA: "interactive",
    0xFFFFFFFB: "batch",
    0xFFFFFFFC: "extern",
    0xFFFFFFFE: "batch",
    0xFFFFFFFF: "extern",
}

# Of cgroup v1 /slurm/uid_1000/job_7/step_0/task_0 and /slurm_node1/uid_…, of v2 /system.slice/slurmstepd.scope/job_7/…
# and /system.slice/node1_slurmstepd.scope/…; at the very top in a namespace of slurmd's own. Users make cgroups below
# user.slice, with any name.
_JOB = re.compile(
    rb"^\d+:[^:\n]*:(?!(?:/\.\.)*/user\.slice/)"
    rb"(?:[^\n]*/(?:slurm[^/\n]*/uid_\d+|[^/\n]*slurmstepd\.scope))?/job_(\d{1,18})(?:/step_([^/\n]{1,32}))?(?:/|$)",
    re.MULTILINE,
)
# kubepods/burstable/pod1e59-…, kubepods-besteffort-pod1e59_….slice, kubelet-kubepods-pod….slice; a static pod's uid is
# a hash.
_POD = re.compile(
    rb"kubepods[^\n]*?[/\-]pod([0-9a-f]{8}(?:[\-_][0-9a-f]{4}){3}[\-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?(?:[/:]|$)",
    re.MULTILINE,
)
# /docker/ID, docker-ID.scope, libpod-ID.scope, crio-ID.scope, cri-containerd-ID.scope, …slice:cri-containerd:ID.
_CONTAINER = re.compile(rb"[/:\-]([0-9a-f]{64})(?:\.scope)?(?=/|$)", re.MULTILINE)
_LXC = re.compile(rb"/lxc(?:\.payload\.|\.payload/|/)([\w.\-]{1,64})(?=/|$)", re.MULTILINE)
_SHORT = 12


def parse_cgroup(content):
    """What the content of /proc/PID/cgroup says: a dict with those of job, step, pod_uid and container it tells."""
    said = {}
    job = _JOB.search(content)
    for match in _JOB.finditer(content):
        # Not all controllers of v1 know the step.
        if match.group(1) == job.group(1) and match.group(2):
            job = match
            break
    if job is not None:
        said["job"] = job.group(1).decode("ascii")
        if job.group(2) and _STEP.match(job.group(2)):
            said["step"] = job.group(2).decode("ascii")
    pod = _POD.search(content)
    if pod is not None:
        said["pod_uid"] = pod.group(1).decode("ascii").replace("_", "-")
    # Containers in containers: the innermost is the process's own.
    containers = _CONTAINER.findall(content)
    if containers:
        said["container"] = max(containers, key=content.rfind)[:_SHORT].decode("ascii")
    else:
        lxc = _LXC.search(content)
        if lxc is not None:
            said["container"] = lxc.group(1).decode("ascii", "replace")
    return said


def parse_environ(content):
    """The variables of the content of /proc/PID/environ that attribute it, as {name: value}, in bytes."""
    found = {}
    for word in content.split(b"\0"):
        name, equals, value = word.partition(b"=")
        if equals and name in _WANTED and value:
            found.setdefault(name, value)
    return found


_JOB_IDS = (b"SLURM_JOB_ID", b"SLURM_JOBID")
_STEP_IDS = (b"SLURM_STEP_ID", b"SLURM_STEPID")
_ARRAY_JOB, _ARRAY_TASK = b"SLURM_ARRAY_JOB_ID", b"SLURM_ARRAY_TASK_ID"
_NAMESPACES = (b"POD_NAMESPACE", b"MY_POD_NAMESPACE", b"KUBERNETES_NAMESPACE", b"K8S_POD_NAMESPACE")
_NAMES = (b"POD_NAME", b"MY_POD_NAME", b"K8S_POD_NAME", b"HOSTNAME")
_APPTAINER = (b"APPTAINER_NAME", b"SINGULARITY_NAME")
_WANTED = frozenset(_JOB_IDS + _STEP_IDS + (_ARRAY_JOB, _ARRAY_TASK) + _NAMESPACES + _NAMES + _APPTAINER)


def _first(variables, names, shape):
    for name in names:
        value = variables.get(name)
        if value is not None and shape.match(value):
            return value.decode("ascii", "replace")
    return None


def slurm_of(said, variables):
    """(job, step, name of the array's task or None) by cgroup, else by environment; None for what neither tells.

    Args:
        said: of `parse_cgroup`.
        variables: of `parse_environ`.
    """
    job, step = said.get("job"), said.get("step")
    named = _first(variables, _JOB_IDS, _DIGITS)
    if job is None:
        job = named
    if job is None:
        return None, None, None
    if job != named:
        # Another job's environment, carried along.
        return job, step, None
    if step is None:
        step = _step(_first(variables, _STEP_IDS, _DIGITS))
    array, task = _first(variables, (_ARRAY_JOB,), _DIGITS), _first(variables, (_ARRAY_TASK,), _DIGITS)
    return job, step, "%s_%s" % (array, task) if array is not None and task is not None else None


def _step(number):
    if number is None:
        return None
    return _SPECIAL.get(int(number), number if int(number) <= _MOST_STEP else None)


def pod_of(variables):
    """A pod's "namespace/name" by its environment, None where that does not tell both."""
    namespace, name = _first(variables, _NAMESPACES, _LABEL), _first(variables, _NAMES, _LABEL)
    return "%s/%s" % (namespace, name) if namespace is not None and name is not None else None


def image_of(variables):
    """What Apptainer calls the container a process is in, which is no cgroup; None for others."""
    return _first(variables, _APPTAINER, _WORD)


def parse_pod_logs(names):
    """{pod uid: "namespace/name"} by the `names` (str) of the directories that the kubelet keeps in /var/log/pods."""
    found = {}
    for name in names:
        namespace, _, rest = name.partition("_")
        pod, _, uid = rest.rpartition("_")
        if uid and all(_LABEL.match(word.encode("ascii", "replace")) for word in (namespace, pod)):
            found[uid] = "%s/%s" % (namespace, pod)
    return found
