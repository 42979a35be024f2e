"""A stand-in for helm, as helm is not installed everywhere: history, status and rollback of one release, in a file.

Written after the output of helm 3.16; that a real helm behaves so was not tried here.
"""

import json
import stat
import sys
from pathlib import Path

PROGRAM = """#!{python}
import json, sys
from pathlib import Path

words = [word for word in sys.argv[1:] if not word.startswith("--")]
options = dict(word.split("=", 1) if "=" in word else (word, "") for word in sys.argv[1:] if word.startswith("--"))
state = Path(__file__).with_name("helm.json")
kept = json.loads(state.read_text())
kept["asked"].append(sys.argv[1:])
state.write_text(json.dumps(kept))
if options.get("--namespace") != "prod" or words[1] != "vllm":
    sys.exit("Error: release: not found")
history = kept["history"]
match words[0]:
    case "history":
        print(json.dumps(history[-int(options["--max"]):]))
    case "status":
        last = history[-1]
        info = {{"status": last["status"], "description": last["description"], "notes": "x"}}
        about = {{"name": "vllm", "namespace": "prod", "manifest": "---"}}
        print(json.dumps(about | {{"version": last["revision"], "info": info}}))
    case "rollback":
        if kept["fails"]:
            number = history[-1]["revision"] + 1
            history.append(dict(history[-1], revision=number, status="failed", description="timed out"))
        else:
            wanted = next(one for one in history if one["revision"] == int(words[2]))
            history[-1]["status"] = "superseded"
            number, said = history[-1]["revision"] + 1, "Rollback to " + words[2]
            history.append(dict(wanted, revision=number, status="deployed", description=said))
        state.write_text(json.dumps(kept))
        if kept["fails"]:
            sys.exit("Error: timed out waiting for the condition")
        print("Rollback was a success! Happy Helming!")
"""


class HelmStub:
    """The program, and what it keeps."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.program = folder / "helm"
        self.program.write_text(PROGRAM.format(python=sys.executable))
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)
        self._state = folder / "helm.json"
        self.keep(history=[revision(1, "1.0.0", "superseded"), revision(2, "1.1.0", "deployed")], fails=False, asked=[])

    def keep(self, **values: object) -> None:
        kept = json.loads(self._state.read_text()) if self._state.exists() else {}
        self._state.write_text(json.dumps(kept | values))

    @property
    def history(self) -> list[dict]:
        return json.loads(self._state.read_text())["history"]

    @property
    def asked(self) -> list[list[str]]:
        return json.loads(self._state.read_text())["asked"]


def revision(number: int, chart: str, status: str) -> dict:
    return {
        "revision": number,
        "updated": f"2026-11-2{number}T10:00:00.123456789Z",
        "status": status,
        "chart": f"vllm-{chart}",
        "app_version": "0.6",
        "description": "Install complete" if number == 1 else "Upgrade complete",
    }
