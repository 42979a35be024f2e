"""The simulated hosts' shell: systemctl, Slurm's commands and the little ones, in the real tools' own words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.demo import shell
from leptontui.demo.answer import Login
from leptontui.demo.layout import make_layout
from leptontui.demo.systemctl import Machine
from leptontui.demo.world import World

T0 = 1_700_000_000.0
LAYOUT = make_layout(24, 8)


@pytest.fixture
def world():
    return World(LAYOUT, start_unix_s=T0, incidents=(), history_s=0.0)


@pytest.fixture
def ask(world):
    def ask(command, *, host="gpu-001", user="demo", t_s=0.0):
        return shell.answer(command, Machine(world, LAYOUT.host(host), Login(user), T0 + t_s))

    return ask


@pytest.fixture
def ask_controller(ask):
    def ask_controller(command, **options):
        return ask(command, host="login1", **options)

    return ask_controller


def properties(answer):
    return dict(line.split("=", 1) for line in answer.stdout.splitlines())


SHOW = (
    "systemctl show vllm.service "
    "--property=LoadState,ActiveState,SubState,MainPID,ActiveEnterTimestamp,InvocationID,NRestarts"
)


@pytest.mark.parametrize(
    ("command", "stdout", "exit_status"),
    [
        ("id -u", "1000\n", 0),
        ("sudo -n id -u", "0\n", 0),
        ("hostname", "gpu-001\n", 0),
        ("true", "", 0),
        ("false", "", 1),
        ("echo 'a  b' c", "a  b c\n", 0),
        ("uname -sm", "Linux x86_64\n", 0),
        ("sh -c 'echo hello'", "hello\n", 0),
        ("/usr/bin/id -un", "demo\n", 0),
        ("", "", 0),
    ],
)
def test_little_commands(ask, command, stdout, exit_status):
    answer = ask(command)
    assert (answer.stdout, answer.exit_status) == (stdout, exit_status)


@pytest.mark.parametrize(
    ("command", "stderr", "exit_status"),
    [
        ("frobnicate --now", "sh: 1: frobnicate: not found\n", 127),
        ("echo a | wc", "sh: the simulated shell runs one plain command: no pipes, lists or substitutions\n", 2),
        ("echo 'a", "sh: 1: Syntax error: No closing quotation\n", 2),
        ("systemctl restart nosuch", "Failed to restart nosuch.service: Unit nosuch.service not found.\n", 5),
        ("systemctl status nosuch", "Unit nosuch.service could not be found.\n", 4),
        ("systemctl frob vllm", "Unknown command verb frob.\n", 1),
        ("systemctl restart", "Too few arguments.\n", 1),
    ],
)
def test_what_cannot_be_done_is_said_as_the_real_tool_says_it(ask, command, stderr, exit_status):
    answer = ask(command)
    assert (answer.stderr, answer.stdout, answer.exit_status) == (stderr, "", exit_status)


@pytest.mark.parametrize(
    ("command", "stdout"),
    [
        ("echo 'a;b|c'", "a;b|c\n"),
        ("echo x='a;b $c'", "x=a;b $c\n"),
        ('echo "it\'s" a', "it's a\n"),
        ("echo a\\;b", "a;b\n"),
    ],
)
def test_a_quoted_metacharacter_is_an_ordinary_character(ask, command, stdout):
    assert ask(command).stdout == stdout


@pytest.mark.parametrize(
    "command", ["a; b", "a|b", "a && b", "echo $(id)", 'echo "$HOME"', "echo `id`", "a > b", "a\nb"]
)
def test_what_a_real_shell_would_interpret_is_refused(ask, command):
    answer = ask(command)
    assert (answer.exit_status, answer.stdout) == (2, "")


@given(st.text(max_size=80))
def test_no_command_makes_the_shell_fail(command):
    world = World(make_layout(2, 1), start_unix_s=T0, incidents=(), history_s=0.0)
    answer = shell.answer(command, Machine(world, world.layout.hosts[0], Login("demo"), T0))
    assert 0 <= answer.exit_status <= 255


PROGRAMS = (
    "scontrol",
    "scontrol update",
    "scontrol show",
    "sinfo",
    "squeue",
    "systemctl",
    "journalctl",
    "sudo",
    "id",
    "uname",
)
WORDS = (
    *("-h", "-o", "%N|%t", "-n", "-p", "-w", "-Z", "--", "--nosuch", "=", ""),
    *("gpu-[001-002]", "node", "nodename=gpu-001", "state=DRAIN", "state=", "reason=x", "show", "restart"),
)


@given(
    st.sampled_from(PROGRAMS),
    st.lists(st.sampled_from(WORDS), max_size=6),
)
def test_no_combination_of_arguments_makes_a_command_fail(program, words):
    world = World(make_layout(3, 1), start_unix_s=T0, incidents=(), history_s=0.0)
    answer = shell.run([*program.split(), *words], Machine(world, world.layout.hosts[0], Login("demo"), T0))
    assert 0 <= answer.exit_status <= 255
    assert answer.exit_status == 0 or answer.stderr or answer.stdout or words[:1] == ["false"] or program == "systemctl"


def test_a_restart_changes_process_invocation_and_time(ask):
    before = properties(ask(SHOW))
    answer = ask("systemctl restart -- vllm", t_s=5.0)
    assert (answer.exit_status, answer.stdout, answer.stderr, answer.takes_s) == (0, "", "", 1.0)
    during, after = properties(ask(SHOW, t_s=5.5)), properties(ask(SHOW, t_s=6.0))
    assert (before["ActiveState"], during["ActiveState"], after["ActiveState"]) == ("active", "activating", "active")
    assert (during["SubState"], after["SubState"]) == ("start", "running")
    assert during["ActiveEnterTimestamp"] == ""
    for name in ("MainPID", "InvocationID", "ActiveEnterTimestamp"):
        assert before[name] != after[name]
    assert after["NRestarts"] == "0"
    assert len(after["InvocationID"]) == 32


def test_show_prints_only_what_was_asked_for(ask):
    assert set(properties(ask("systemctl show -p MainPID -p ActiveState vllm.service"))) == {"MainPID", "ActiveState"}
    assert ask("systemctl show --value -p ActiveState vllm.service").stdout == "active\n"


def test_show_of_a_missing_unit_succeeds_and_says_not_found(ask):
    answer = ask(SHOW.replace("vllm", "nosuch"))
    assert answer.exit_status == 0
    assert properties(answer)["LoadState"] == "not-found"
    assert properties(answer)["MainPID"] == "0"


def test_status_and_is_active(ask):
    answer = ask("systemctl status vllm.service")
    assert answer.exit_status == 0
    assert "● vllm.service - vLLM" in answer.stdout
    assert "Active: active (running) since" in answer.stdout
    assert ask("systemctl is-active vllm").stdout == "active\n"
    assert (ask("systemctl is-active nosuch").stdout, ask("systemctl is-active nosuch").exit_status) == (
        "inactive\n",
        4,
    )
    ask("systemctl restart vllm", t_s=10.0)
    assert ask("systemctl status vllm", t_s=10.5).exit_status == 3
    assert ask("systemctl is-active vllm", t_s=10.5).stdout == "activating\n"


def test_the_inference_server_is_installed_on_inference_hosts_only(ask):
    assert ask("systemctl status vllm", host="gpu-017").exit_status == 4


@pytest.mark.parametrize(
    ("user", "command", "exit_status"),
    [
        ("demo", "systemctl restart vllm", 0),
        ("demo", "systemctl restart slurmd", 1),
        ("demo", "sudo -n systemctl restart slurmd", 0),
        ("root", "systemctl restart slurmd", 0),
        ("visitor", "systemctl restart vllm", 1),
        ("visitor", "sudo -n systemctl restart vllm", 1),
        ("visitor", "systemctl status vllm", 0),
        ("visitor", "scontrol update nodename=gpu-001 state=DRAIN reason=x", 1),
    ],
)
def test_permissions(ask, user, command, exit_status):
    assert ask(command, user=user).exit_status == exit_status


def test_refusals_are_worded_as_the_real_tools_word_them(ask):
    assert "Interactive authentication required." in ask("systemctl restart slurmd").stderr
    assert ask("sudo -n true", user="visitor").stderr == "sudo: a password is required\n"
    refused = ask("scontrol update nodename=gpu-001 state=DRAIN reason=x", user="visitor")
    assert refused.stderr == "slurm_update error: Invalid user id\n"


def state(answer):
    return next(word.split("=")[1] for word in answer.stdout.split() if word.startswith("State="))


def test_sudo_says_whether_it_would_let_a_command_run(ask):
    allowed = ask("sudo -n -l systemctl restart vllm.service")
    assert (allowed.exit_status, allowed.stdout) == (0, "/usr/bin/systemctl restart vllm.service\n")
    assert ask("sudo -n -l systemctl restart vllm.service", user="visitor").exit_status == 1
    assert ask("systemctl is-active vllm").stdout == "active\n"


def test_the_journal_tells_of_a_restart(ask):
    ask("systemctl restart vllm")
    command = "journalctl --no-pager -q -o short-iso -n 10 -u vllm.service"
    assert ask(command, t_s=0.5).stdout == (
        "2023-11-14T22:13:20+0000 gpu-001 systemd[1]: Starting vllm.service - vLLM OpenAI-compatible server...\n"
    )
    assert ask(command, t_s=2.0).stdout.splitlines()[1] == (
        "2023-11-14T22:13:21+0000 gpu-001 systemd[1]: Started vllm.service - vLLM OpenAI-compatible server."
    )
    assert (ask(command, user="visitor").exit_status, ask(command, user="visitor").stdout) == (1, "")


def test_quotes_within_a_reason_are_kept_and_those_around_it_are_not(ask_controller):
    ask_controller("""scontrol update nodename=gpu-001 state=DRAIN reason="anna: it's 'bad'" """)
    ask_controller("""scontrol update nodename=gpu-003 state=DRAIN reason="'quoted'" """)
    assert ask_controller("sinfo -h -R -o '%E %N'").stdout.splitlines() == [
        "anna: it's 'bad' gpu-001",
        "quoted gpu-003",
    ]


def test_a_drain_of_a_busy_node_and_back(ask_controller):
    show = "scontrol show node gpu-017"
    assert state(ask_controller(show)) == "ALLOCATED"
    drained = ask_controller("scontrol update nodename=gpu-017 state=DRAIN reason='anna: Xid 79 GPU 3'")
    assert (drained.exit_status, drained.stdout, drained.stderr) == (0, "", "")
    shown = ask_controller(show, t_s=50.0)
    assert state(shown) == "ALLOCATED+DRAIN"
    assert "\n   Reason=anna: Xid 79 GPU 3 [demo@2023-11-14T22:13:20]\n" in shown.stdout
    assert ask_controller("sinfo -h -n gpu-017 -o '%t %T'").stdout == "drng draining\n"
    assert "anna: Xid 79 GPU 3   demo      2023-11-14T22:13:20 gpu-017" in ask_controller("sinfo -R").stdout
    assert state(ask_controller(show, t_s=100.0)) == "IDLE+DRAIN", "the training job has gone on without it"
    assert ask_controller("squeue -h -o %D -j 8812", t_s=100.0).stdout == "13\n"
    assert ask_controller("scontrol update nodename=gpu-017 state=RESUME").exit_status == 0
    assert state(ask_controller(show)) == "ALLOCATED"
    assert "Reason=" not in ask_controller(show).stdout


def test_a_second_drain_replaces_the_reason_and_brings_no_job_back(ask_controller):
    ask_controller("scontrol update nodename=gpu-017 state=DRAIN reason=one")
    assert state(ask_controller("scontrol show node gpu-017", t_s=100.0)) == "IDLE+DRAIN"
    ask_controller("scontrol update nodename=gpu-017 state=DRAIN reason=two", t_s=101.0)
    shown = ask_controller("scontrol show node gpu-017", t_s=102.0)
    assert state(shown) == "IDLE+DRAIN", "nothing starts on a drained node"
    assert "Reason=two [demo@2023-11-14T22:15:01]" in shown.stdout


def test_a_small_job_ends_and_draining_becomes_drained(ask_controller):
    assert state(ask_controller("scontrol show node gpu-002")) == "MIXED"
    ask_controller("scontrol update nodename=gpu-002 state=DRAIN reason=x")
    assert ask_controller("sinfo -h -n gpu-002 -o %t", t_s=30.0).stdout == "drng\n"
    assert ask_controller("sinfo -h -n gpu-002 -o %t", t_s=60.0).stdout == "drain\n"
    assert state(ask_controller("scontrol show node gpu-002", t_s=60.0)) == "IDLE+DRAIN"
    assert ask_controller("squeue -h -w gpu-002", t_s=60.0).stdout == ""


@pytest.mark.parametrize(
    ("command", "stdout", "stderr"),
    [
        ("scontrol show node nosuch", "Node nosuch not found\n", ""),
        (
            "scontrol update nodename=nosuch state=DRAIN reason=x",
            "",
            "slurm_update error: Invalid node name specified\n",
        ),
        (
            "scontrol update nodename=gpu-001 state=DRAIN",
            "",
            "You must specify a reason when DOWNING or DRAINING a node. Request denied\n",
        ),
        ("scontrol update nodename=gpu-001 state=RESUME", "", "slurm_update error: Invalid node state specified\n"),
        ("scontrol frob", "", "invalid keyword: frob\n"),
        ("squeue -w nosuch", "", "squeue: error: Invalid node name nosuch\n"),
        ("squeue -j 1", "", "slurm_load_jobs error: Invalid job id specified\n"),
        ("sinfo -Z", "", "sinfo: invalid option -- 'Z'\nTry \"sinfo --help\" for more information\n"),
    ],
)
def test_slurms_refusals(ask_controller, command, stdout, stderr):
    answer = ask_controller(command)
    assert (answer.stdout, answer.stderr, answer.exit_status) == (stdout, stderr, 1)


def test_undraining_a_node_that_is_not_drained_is_no_fault(ask_controller):
    assert ask_controller("scontrol update nodename=gpu-001 state=UNDRAIN").exit_status == 0


def test_several_nodes_are_drained_together(ask_controller):
    ask_controller("scontrol update NodeName=gpu-[007-009] State=drain Reason=x")
    assert ask_controller("sinfo -h -o '%t %N' -n gpu-[007-010] -p train").stdout == (
        "drng gpu-[007-009]\nalloc gpu-010\n"
    )


def test_the_formats_that_actions_ask_for(ask_controller):
    jobs = ask_controller("squeue -h -w gpu-017 -o '%i|%u|%D|%M|%j'", t_s=5.0)
    assert jobs.stdout == "8812|anna|14|14:02:05|pretrain-70b\n"
    nodes = ask_controller("sinfo -h -N -o '%N|%t|%P'").stdout.splitlines()
    assert len(nodes) == 24
    assert {"gpu-001|idle|infer", "gpu-002|mix|infer", "gpu-017|alloc|train*"} <= set(nodes)


def test_the_default_tables(ask_controller):
    assert ask_controller("sinfo").stdout.splitlines()[:2] == [
        "PARTITION AVAIL  TIMELIMIT  NODES  STATE NODELIST",
        "infer        up   infinite      3    mix gpu-[002,004,006]",
    ]
    assert ask_controller("squeue").stdout.splitlines()[:2] == [
        "             JOBID PARTITION     NAME     USER ST       TIME  NODES NODELIST(REASON)",
        "              8812     train pretrain     anna  R   14:02:00     14 gpu-[007-020]",
    ]
    assert "   NodeList=gpu-[007-020]\n" in ask_controller("scontrol show job 8812").stdout


def test_somebody_elses_drain_is_already_there_unless_the_fleet_is_calm(ask_controller):
    assert ask_controller("sinfo -h -R").stdout == ""
    other = World(LAYOUT, start_unix_s=T0, history_s=0.0)
    answer = shell.answer("sinfo -h -R -o '%E|%u|%N'", Machine(other, None, Login("demo"), T0))
    assert answer.stdout == "ben: RMA 4711, waiting for parts|ben|gpu-024\n"


def test_a_host_that_is_away_does_not_respond():
    world = World(LAYOUT, start_unix_s=T0, history_s=0.0)
    world.advance(T0 + 70.0)  # the cut rack is gone already
    gone = [happening.host.name for happening in world.advance(T0 + 80.0) if happening.is_up is False]
    machine = Machine(world, None, Login("demo"), T0 + 80.0)
    assert len(gone) == 1
    assert state(shell.answer(f"scontrol show node {gone[0]}", machine)) == "ALLOCATED+NOT_RESPONDING"
    assert shell.answer(f"sinfo -h -n {gone[0]} -o %t", machine).stdout == "alloc*\n"
