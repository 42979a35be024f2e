# The kernel's log: records of /dev/kmsg, "priority,number,microseconds since boot,-;text". What was logged before the
# probe was started is told after the hello, the latest 200 events of it.

function kernel_line(   head, line, t, code, at) {
    if ($0 !~ /NVRM|SXid|Killed process|ead-?only|blocked for more|lockup|LOCKUP|not responding|nfs: |libnccl|I\/O error, dev|medium error|nvme|nsufficient/) return
    line = $0; sub(/^[^;]*;/, "", line)
    split($0, head, ",")
    # It is read again from its start when it has overtaken the reader.
    if (last_record != "" && head[2] + 0 <= last_record) return
    last_record = head[2] + 0
    t = head[3] / 1000000
    if (line ~ /^NVRM/) { driver_line(line, t); return }
    if (line ~ /^(nvidia-nvswitch|SXid).*SXid/) {
        # The lines after the first repeat its number, with the registers' content.
        if (!match(line, /SXid *\([^)]*\) *: *[0-9]+/) || line ~ /: *[0-9]+, *(Data|Severity)/) return
        code = substr(line, RSTART, RLENGTH); at = code
        sub(/^.*: */, "", code); sub(/^[^(]*\((PCI:)?/, "", at); sub(/\).*$/, "", at)
        logged("sxid", code, at, line, t)
    }
    else if (line ~ /^(Memory cgroup o|O)ut of memory|Killed process [0-9]+/) { if (line ~ /Killed process [0-9]+/) logged("oom-kill", "", "", line, t) }
    else if (line ~ /Remounting filesystem read-only|forced readonly/) logged("readonly-remount", "", "", line, t)
    else if (line ~ /blocked for more than [0-9]+ seconds/) logged("hung-task", "", "", line, t)
    else if (line ~ /soft lockup - CPU/) logged("soft-lockup", "", "", line, t)
    else if (line ~ /nfs: server .* not responding/) logged("nfs-silent", "", "", line, t)
    else if (line ~ /nfs: server .* OK$/) logged("nfs-answers", "", "", line, t)
    else if (line ~ /(segfault at|general protection).* in libnccl/) logged("nccl-segfault", "", "", line, t)
    else if (line ~ /insufficient (PCIe )?power/) logged("pcie-power", "", "", line, t)
    else if (line ~ /(I\/O error|critical (target|medium) error), dev / && line !~ /dev (fd|sr|loop|ram|nbd)[0-9]/) logged("disk-error", "", "", line, t)
    else if (line ~ /^nvme .*([Tt]imeout, (abort|reset|completion|disable)|controller is down|resetting controller|Device not ready)/) logged("disk-error", "", "", line, t)
}
function driver_line(line, t,   code, at) {
    if (match(line, /NVRM: *Xid *\([^)]*\) *: *[0-9]+/)) {
        code = substr(line, RSTART, RLENGTH); at = code
        sub(/^.*\) *: */, "", code); sub(/^[^(]*\((PCI:)?/, "", at); sub(/[ )].*$/, "", at)
        if (code == 79 && was_fallen == at && t - fallen_at <= 2) { was_fallen = ""; return }
        logged("xid", code, at, line, t)
        if (code == 79) { was_fallen = at; fallen_at = t }
    } else if (line ~ /fallen off the bus/) {
        # The driver logs this beside its Xid 79; alone it counts as one.
        at = ""
        if (match(line, /[0-9a-fA-F]+:[0-9a-fA-F][0-9a-fA-F]:[0-9a-fA-F][0-9a-fA-F]/)) at = substr(line, RSTART, RLENGTH)
        if (was_fallen != "" && t - fallen_at <= 2 && (at == "" || index(at, was_fallen) || index(was_fallen, at))) { was_fallen = ""; return }
        logged("xid", 79, at, line, t)
        was_fallen = at; fallen_at = t
    } else if (line ~ /insufficient (PCIe )?power|necessary power cables/) logged("pcie-power", "", "", line, t)
}
function logged(name, code, at, line, t) {
    if (hello_version >= 0) { tell_logged(name, code, at, line, t); return }
    # What names a GPU has to wait until the GPUs are known.
    backlog++
    b_name[backlog] = name; b_code[backlog] = code; b_at[backlog] = at; b_line[backlog] = line; b_time[backlog] = t
    if (backlog > 200) { delete b_name[backlog - 200]; delete b_code[backlog - 200]; delete b_at[backlog - 200]; delete b_line[backlog - 200]; delete b_time[backlog - 200] }
}
function tell_logged(name, code, at, line, t,   u, i) {
    u = ""
    for (i = 1; i <= gpus; i++) if (at != "" && is_at(at, order[i])) u = order[i]
    event(name, u, count_of("code", code) (u == "" ? text("pci_bus_id", at) : "") (t < started - 1 ? ",\"is_backlog\":true" : ""), line, t)
}
function tell_backlog(   i) {
    for (i = (backlog > 200 ? backlog - 199 : 1); i <= backlog; i++) { told_events = 0; tell_logged(b_name[i], b_code[i], b_at[i], b_line[i], b_time[i]) }
    backlog = 0
}
