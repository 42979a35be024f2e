# lepton_probe: the part of the fallback that reads /proc and says JSON. Plain POSIX awk: runs in mawk, gawk, BusyBox
# and the original. Its input is what fallback.sh and its readers write, one short line each, so that lines of
# different writers never mix:
#   I key value           how this host is called and what it is
#   T                     a sweep is due
#   G ...                 what the reader of GPUs says, see gpu_line
#   F mount|size|...      a filesystem, from stat -f; D ... the same from df
#   U key=value           a systemd unit's property
#   6,12,345,-;text       a record of the kernel's log

function esc(s,   n, i, c, r) {
    gsub(/[^ -~]/, "?", s)
    if (!index(s, "\\") && !index(s, "\"")) return s
    n = length(s); r = ""
    for (i = 1; i <= n; i++) {
        c = substr(s, i, 1)
        r = r ((c == "\\" || c == "\"") ? "\\" c : c)
    }
    return r
}
function text(key, s) {
    sub(/^ +/, "", s); sub(/ +$/, "", s)
    return s == "" ? "" : ",\"" key "\":\"" esc(substr(s, 1, 256)) "\""
}
function is_number(s) { return s ~ /^-?[0-9]+(\.[0-9]+)?$/ && length(s) < 20 }
function num(key, s) { return is_number(s) ? ",\"" key "\":" canonical(s) : "" }
# JSON knows no leading zeros.
function canonical(s) { sub(/^0+/, "", s); return (s == "" || s ~ /^\./) ? "0" s : s }
function whole(x) { return sprintf("%.0f", x) }
function scaled(key, s, factor) { return is_number(s) ? ",\"" key "\":" whole(s * factor) : "" }
function pct(x) { return sprintf("%.2f", x < 0 ? 0 : (x > 100 ? 100 : x)) }
function object(s) { return "{" substr(s, 2) "}" }
function say(s) { print s; fflush() }
function flag(key, yes) { return ",\"" key "\":" (yes ? "true" : "false") }
function first_line(path,   line) {
    line = ""
    if ((getline line < path) < 0) line = ""
    close(path)
    return line
}
function exists(path,   line, r) { r = (getline line < path); close(path); return r >= 0 }
function now_s(   line, w) { line = first_line("/proc/uptime"); split(line, w, " "); return w[1] + 0 }
function stamp(t) { return sprintf("%.3f", t) }
function gap(what, why) { if (whys[what] != why) { whys[what] = why; version++ } }
function no_gap(what) { if (what in whys) { delete whys[what]; version++ } }

BEGIN {
    FS = " "; hello_version = -1; version = 0; seq = 0; offset = ""; hung = 0
    HUNG_S = 5; HELLO_PAUSE_S = 10; started = now_s()
    reset_fields()
}
function reset_fields() {
    # CSV field -> wire field, by what it is: n number, i whole number, m MiB, u microseconds, y yes or no, w words
    map("utilization.gpu n util_pct utilization.memory n memory_util_pct temperature.gpu n temp_c")
    map("temperature.gpu.tlimit n temp_margin_c temperature.memory n temp_memory_c power.draw n power_w")
    map("enforced.power.limit n power_limit_w clocks.sm n clock_sm_mhz clocks.mem n clock_mem_mhz fan.speed n fan_pct")
    map("pcie.link.gen.current i pcie_gen pcie.link.width.current i pcie_width")
    map("ecc.errors.corrected.volatile.total i ecc_corrected ecc.errors.uncorrected.volatile.total i ecc_uncorrected")
    map("clocks_event_reasons_counters.sw_power_cap u throttle_power_cap_s")
    map("clocks_event_reasons_counters.sw_thermal_slowdown u throttle_sw_thermal_s")
    map("clocks_event_reasons_counters.hw_thermal_slowdown u throttle_hw_thermal_s")
    map("clocks_event_reasons_counters.hw_power_brake_slowdown u throttle_power_brake_s")
    map("ecc.errors.corrected.volatile.sram i ecc_sram_corrected ecc.errors.corrected.volatile.dram i ecc_dram_corrected")
    map("ecc.errors.uncorrected.volatile.sram i ecc_sram_uncorrected ecc.errors.uncorrected.volatile.dram i ecc_dram_uncorrected")
    map("ecc.errors.uncorrected.aggregate.sram i ecc_sram_uncorrected_aggregate")
    map("ecc.errors.uncorrected.aggregate.dram i ecc_dram_uncorrected_aggregate")
    map("ecc.errors.uncorrected.aggregate.sram.thresholdExceeded y is_ecc_sram_over_threshold")
    map("remapped_rows.correctable i remapped_correctable remapped_rows.uncorrectable i remapped_uncorrectable")
    map("remapped_rows.pending y is_remap_pending remapped_rows.failure y is_remap_failed")
    map("remapped_rows.histogram.max i remap_banks_max remapped_rows.histogram.high i remap_banks_high")
    map("remapped_rows.histogram.partial i remap_banks_partial remapped_rows.histogram.low i remap_banks_low")
    map("remapped_rows.histogram.none i remap_banks_none")
    map("retired_pages.single_bit_ecc.count i retired_pages_sbe retired_pages.double_bit.count i retired_pages_dbe")
    map("retired_pages.pending y is_retirement_pending fabric.state w fabric_state fabric.status w fabric_status")
    map("gpu_recovery_action w recovery_action persistence_mode y is_persistent ecc.mode.current y is_ecc_enabled")
    map("mig.mode.current y is_mig_enabled inforom.checksum_validation y is_inforom_valid")
    map("memory.total m memory_total_bytes clocks.max.sm n clock_sm_max_mhz clocks.max.memory n clock_mem_max_mhz")
    map("pcie.link.gen.max i pcie_gen_max pcie.link.width.max i pcie_width_max index i index")
    map("name t name serial t serial pci.bus_id t pci_bus_id vbios_version t vbios")
}
function map(s,   w, n, i) { n = split(s, w, " "); for (i = 1; i < n; i += 3) { kind[w[i]] = w[i + 1]; wire[w[i]] = w[i + 2] } }

$1 == "T" { tick(); next }
$1 == "G" { gpu_line(); next }
$1 == "F" || $1 == "D" { filesystem_line(); next }
$1 == "U" { unit_line(); next }
$1 == "I" { info_line(); next }
/^[0-9]+,[0-9]+,[0-9]+,/ { kernel_line(); next }
END { if (pending && pid != "") system("kill -9 " pid " 2>/dev/null") }

function rest_after(n,   s, i) { s = $0; for (i = 0; i < n; i++) sub(/^[^ ]* ?/, "", s); return s }

function info_line(   v) {
    v = rest_after(2)
    if ($2 == "gap") { sub(/ .*/, "", v); gsub(/_/, " ", v); gap(v, rest_after(3)) }
    else if ($2 == "pids") pids = v
    else if ($2 == "clock") { offset = v - now_s(); btime = boot_time() }
    else fact[$2] = v
}
function boot_time(   line, w) {
    while ((getline line < "/proc/stat") > 0) if (line ~ /^btime /) { split(line, w, " "); break }
    close("/proc/stat")
    return w[2] + 0
}

# GPUs. Calls of nvidia-smi come as: "G < kind", "G P pid", "G = csv" for each line, "G > status". "G fields kind a,b,c" first.
function gpu_line(   k, v) {
    k = $2; v = rest_after(2)
    if (k == "<") { pending = 1; call = v; asked = now_s(); rows = 0; pid = ""; words = ""; return }
    if (k == "P") { pid = v; return }
    if (k == "fields") { v = rest_after(3); count[$3] = split(v, w, ","); for (i = 1; i <= count[$3]; i++) field[$3, i] = w[i]; return }
    if (k == "none") { no_gpus = 1; gap("gpu", v); return }
    if (k == "bus") { if (v != on_bus) { on_bus = v; version++ } return }
    if (k == "=") { csv[++rows] = v; return }
    if (k == ">") { pending = 0; pid = ""; if (hung) answers(); taken(call, v + 0) }
}
function answers() {
    hung = 0; no_gap("gpu")
    event("driver-answers", "", "", "nvidia-smi answers again", "")
}
function is_row(line, k) { return split(line, cell, ", *") >= count[k] && count[k] > 0 }
function taken(k, status,   i, n, u, seen, r, line) {
    if (k == "p") { taken_processes(status); return }
    n = 0
    for (i = 1; i <= rows; i++) {
        if (!is_row(csv[i], k)) { if (words == "") words = csv[i]; continue }
        u = cell_of(k, "uuid")
        if (u !~ /^GPU-/) continue
        n++; seen[u] = 1
        if (k == "i") identity(u)
        else if (k == "f") reading[u] = reading_of(k)
        else if (k == "d") details[u] = details_of(k)
    }
    if (k == "f") read_at = now_s()
    if (n == 0) {
        gap("gpu", "nvidia-smi: " (words == "" ? "status " status : words))
        if (k == "f") for (u in reading) delete reading[u]
    } else no_gap("gpu")
    if (k != "f" || (n == 0 && status == 0)) return
    # A GPU that was there and is gone, from an answer that has others or names it.
    for (u in known) if (!(u in seen) && !(u in lost) && (n > 0 || names(words, u))) {
        lost[u] = 1; delete reading[u]
        event("gpu-lost", u, "", words == "" ? "nvidia-smi does not list it any more" : words, "")
    }
    for (u in seen) { delete lost[u]; if (!(u in known)) want_identity = 1 }
}
function names(s, u) { return bus[u] != "" && index(toupper(s), substr(toupper(bus[u]), 5)) > 0 }
function cell_of(k, name,   i) { for (i = 1; i <= count[k]; i++) if (field[k, i] == name) return cell[i]; return "" }
function identity(u,   i, s, f) {
    s = ",\"uuid\":\"" esc(u) "\""
    for (i = 1; i <= count["i"]; i++) {
        f = field["i", i]
        if (f == "driver_version") { if (driver != cell[i]) { driver = cell[i]; version++ } }
        else if (f == "inforom.checksum_validation") inforom[u] = value(f, cell[i])
        else if (f != "uuid") s = s value(f, cell[i])
        if (f == "pci.bus_id") bus[u] = cell[i]
    }
    s = s ",\"vendor\":\"nvidia\""
    if (known[u] != s) { if (!(u in known)) order[++gpus] = u; known[u] = s; version++ }
}
function value(f, v) {
    sub(/ +$/, "", v)
    if (v ~ /^\[/ || v == "N/A" || v == "") return ""
    if (kind[f] == "n") return num(wire[f], v)
    if (kind[f] == "i") return v ~ /^[0-9]+$/ ? num(wire[f], v) : ""
    if (kind[f] == "m") return scaled(wire[f], v, 1048576)
    if (kind[f] == "u") return is_number(v) ? ",\"" wire[f] "\":" sprintf("%.6f", v / 1000000) : ""
    if (kind[f] == "y") {
        if (v == "Yes" || v == "Enabled" || v == "1" || v == "valid") return flag(wire[f], 1)
        return (v == "No" || v == "Disabled" || v == "0" || v == "invalid") ? flag(wire[f], 0) : ""
    }
    if (kind[f] == "w") {
        v = tolower(v); sub(/p2p/, "P2P", v)
        return text(wire[f], v)
    }
    return kind[f] == "t" ? text(wire[f], v) : ""
}
function hex(s,   i, x) {
    if (s !~ /^0x[0-9A-Fa-f]+$/) return ""
    x = 0
    for (i = 3; i <= length(s); i++) x = x * 16 + index("0123456789abcdef", tolower(substr(s, i, 1))) - 1
    return whole(x)
}
function reading_of(k,   i, f, s, used, reserved) {
    s = ""; used = ""; reserved = ""
    for (i = 1; i <= count[k]; i++) {
        f = field[k, i]
        if (f == "memory.used") used = cell[i]
        else if (f == "memory.reserved") reserved = cell[i]
        else if (f == "pstate") { if (cell[i] ~ /^P[0-9]+ *$/) s = s num("pstate", substr(cell[i], 2) + 0 "") }
        else if (f ~ /reasons\.active$/) s = s num("throttle_reasons", hex(cell[i]))
        else if (f != "uuid") s = s value(f, cell[i])
    }
    # Since driver 510 used does not include what the driver has reserved for itself.
    if (is_number(used)) s = s scaled("memory_used_bytes", whole(used + (is_number(reserved) ? reserved : 0)), 1048576)
    return s
}
function details_of(k,   i, f, s) {
    s = ""
    for (i = 1; i <= count[k]; i++) { f = field[k, i]; if (f != "uuid") s = s value(f, cell[i]) }
    return s change(k, "ecc.mode", "is_ecc_change_pending") change(k, "mig.mode", "is_mig_change_pending") inforom[cell_of(k, "uuid")]
}
function change(k, f, key,   a, b) {
    a = cell_of(k, f ".current"); b = cell_of(k, f ".pending")
    return (a ~ /abled$/ && b ~ /abled$/) ? flag(key, a != b) : ""
}
function taken_processes(status,   i, n, c, s, p) {
    uses = ""
    for (i = 1; i <= rows && i <= 512; i++) {
        n = split(csv[i], c, ", *")
        if (n < 4 || c[1] !~ /^GPU-/ || c[2] !~ /^[0-9]+$/) continue
        s = ",\"uuid\":\"" esc(c[1]) "\"" num("pid", c[2]) scaled("memory_used_bytes", c[3], 1048576)
        p = csv[i]; sub(/^[^,]*, *[^,]*, *[^,]*, */, "", p)
        if (p !~ /^(\[|-$)/) s = s text("command", p)
        uses = uses "," object(s owner(c[2]) job(c[2]))
    }
}
function owner(p,   line, w, path, id) {
    path = "/proc/" p "/status"; id = ""
    while ((getline line < path) > 0) if (line ~ /^Uid:/) { split(line, w, " "); id = w[2]; break }
    close(path)
    if (id == "") return ""
    if (!(id in user)) {
        user[id] = id
        while ((getline line < "/etc/passwd") > 0) { split(line, w, ":"); if (w[3] == id) { user[id] = w[1]; break } }
        close("/etc/passwd")
    }
    return text("user", user[id])
}
function job(p,   line, path, s, m) {
    path = "/proc/" p "/cgroup"; s = ""
    while ((getline line < path) > 0) {
        if (match(line, /\/job_[0-9]+/)) {
            s = text("job", substr(line, RSTART + 5, RLENGTH - 5))
            if (match(line, /\/step_[0-9a-z]+/)) s = s text("step", substr(line, RSTART + 6, RLENGTH - 6))
            break
        }
        if (match(line, /(docker|containerd|crio|libpod)[-\/][0-9a-f]+/)) {
            m = substr(line, RSTART, RLENGTH); sub(/^[a-z]+[-\/]/, "", m)
            if (length(m) == 64) { s = text("container", substr(m, 1, 12)); break }
        }
    }
    close(path)
    return s
}

# Filesystems and units.
function filesystem_line(   c, n, s, total, free) {
    if ($2 == "begin") { nfs = 0; return }
    if ($2 == "<") { fs_pending = rest_after(2); fs_asked = now_s(); return }
    if ($2 == ">") { fs_pending = ""; return }
    if ($2 == "end") { fs_at = now_s(); fs_pending = ""; return }
    n = split(rest_after(1), c, "|")
    # mount|device|fstype|ro or rw|block size|blocks|free|available|inodes|inodes free
    s = text("mount", c[1]) text("device", c[2]) text("fstype", c[3]) flag("is_readonly", c[4] == "ro")
    if (n >= 10 && is_number(c[6]) && c[6] > 0) {
        s = s scaled("total_bytes", c[6], c[5]) ",\"used_bytes\":" whole((c[6] - c[7]) * c[5]) scaled("available_bytes", c[8], c[5])
        if (is_number(c[9]) && c[9] > 0) s = s num("inodes_total", c[9]) ",\"inodes_used\":" whole(c[9] - c[10])
    } else if (c[5] == "silent") s = s flag("is_silent", 1)
    if (!(c[1] in fs)) fs_order[++fs_count] = c[1]
    fs[c[1]] = object(s); fs_read[c[1]] = now_s(); fs_name[c[1]] = object(text("mount", c[1]) text("device", c[2]) text("fstype", c[3]) flag("is_silent", 1))
}
function filesystems(t,   i, m, s) {
    s = ""
    for (i = 1; i <= fs_count; i++) {
        m = fs_order[i]
        # One that is not told any more is unmounted; while one hangs the others cannot be told.
        if (fs_read[m] < fs_at - 1 && fs_pending == "") { if (fs_at - fs_read[m] > 25) continue }
        if (m == fs_pending && t - fs_asked > HUNG_S) { s = s "," fs_name[m]; gap("filesystem " m, "statfs does not answer"); continue }
        if (t - fs_read[m] > 60) { s = s "," fs_name[m]; continue }
        no_gap("filesystem " m)
        s = s "," fs[m]
    }
    return "[" substr(s, 2) "]"
}
function unit_line(   i, k, v, s) {
    k = substr($2, 1, index($2, "=") - 1); v = substr(rest_after(1), index($2, "=") + 1)
    if ($2 == "begin") { unit_text = ""; one = ""; state = ""; return }
    if (k == "") { if (one != "" && state != "not-found") unit_text = unit_text "," object(one); one = ""; state = ""; if ($2 == "end") units = unit_text; return }
    if (k == "LoadState") state = v
    else if (k == "Id") one = text("unit", v) one
    else if (k == "ActiveState") one = one text("active", v)
    else if (k == "SubState") one = one text("sub", v)
    else if (k == "MainPID" && v > 0) one = one num("main_pid", v)
    else if (k == "NRestarts") one = one num("restarts", v)
}

# The kernel's log.
function kernel_line(   head, line, h, t, back, code, at) {
    line = $0; sub(/^[^;]*;/, "", line)
    if (line !~ /NVRM|emory|Remounting|blocked for more|soft lockup|nfs: server|libnccl/) return
    split($0, h, ","); t = h[3] / 1000000
    if (h[2] + 0 <= last_record && last_record != "") return
    last_record = h[2] + 0
    back = (t < started - 1)
    if (match(line, /NVRM: Xid \((PCI:)?[0-9a-fA-F:.]+\): [0-9]+/)) {
        at = substr(line, RSTART, RLENGTH); code = at
        sub(/^.*\): /, "", code); sub(/^NVRM: Xid \((PCI:)?/, "", at); sub(/\).*$/, "", at)
        logged("xid", code, at, line, t, back)
        last_79 = (code == 79) ? at : ""
    } else if (line ~ /NVRM:.*fallen off the bus/) {
        # The driver logs this beside its Xid 79; alone it counts as one.
        at = ""
        if (match(line, /[0-9a-fA-F]+:[0-9a-fA-F][0-9a-fA-F]:[0-9a-fA-F][0-9a-fA-F]/)) at = substr(line, RSTART, RLENGTH)
        if (last_79 == "" || index(at, last_79) == 0 && index(last_79, at) == 0) logged("xid", 79, at, line, t, back)
        last_79 = ""
    } else if (line ~ /SXid/) logged("sxid", "", "", line, t, back)
    else if (line ~ /Killed process [0-9]+/) logged("oom-kill", "", "", line, t, back)
    else if (line ~ /Remounting filesystem read-only/) logged("readonly-remount", "", "", line, t, back)
    else if (line ~ /blocked for more than/) logged("hung-task", "", "", line, t, back)
    else if (line ~ /soft lockup/) logged("soft-lockup", "", "", line, t, back)
    else if (line ~ /nfs: server .* not responding/) logged("nfs-silent", "", "", line, t, back)
    else if (line ~ /nfs: server .* OK/) logged("nfs-answers", "", "", line, t, back)
    else if (line ~ /segfault.*libnccl/) logged("nccl-segfault", "", "", line, t, back)
}
function logged(name, code, at, line, t, back,   u, i, s) {
    u = ""
    for (i = 1; i <= gpus; i++) if (at != "" && names(bus_long(at), order[i])) u = order[i]
    s = num("code", code) (u == "" && at != "" ? text("pci_bus_id", at) : "") (back ? ",\"is_backlog\":true" : "")
    if (back && ++backlog > 200) return
    event(name, u, s, line, t)
}
function bus_long(at) { return at }
function event(name, u, more, line, t,   s) {
    t = (t == "") ? now_s() : t
    s = "{\"kind\":\"event\",\"v\":1,\"t_unix_s\":" stamp(t + offset) ",\"name\":\"" name "\"" (u == "" ? "" : text("gpu_uuid", u)) more ",\"text\":\"" esc(substr(line, 1, 400)) "\"}"
    # The hello comes first; what was logged before it needs to know the GPUs.
    if (hello_version < 0) early[++earlies] = s
    else say(s)
}

# A sweep.
function tick(   t, b) {
    t = now_s()
    b = boot_time()
    # The wall clock was set: the boot seems to have been at another time.
    if (b != btime) { offset += b - btime; btime = b }
    if (pending && !hung && t - asked > HUNG_S) {
        hung = 1; gap("gpu", "nvidia-smi has not answered for " HUNG_S " s")
        event("driver-hung", "", "", "nvidia-smi has not answered for " HUNG_S " s", "")
    }
    if (hello_version < 0 && !no_gpus && !hung && gpus == 0 && !("gpu" in whys) && t - started < HUNG_S + 2) return
    if (version != hello_version && (hello_version < 0 || t - told_at >= HELLO_PAUSE_S || gpus != told_gpus)) hello(t)
    sweep(t)
}
function hello(t,   s, i, w, sep) {
    s = "{\"kind\":\"hello\",\"v\":1,\"t_unix_s\":" stamp(t + offset) text("hostname", fact["hostname"]) text("boot_id", first_line("/proc/sys/kernel/random/boot_id"))
    s = s text("kernel", fact["kernel"]) text("os", fact["os"]) text("arch", fact["arch"]) text("probe", fact["probe"]) ",\"runtime\":\"sh\"" text("user", fact["user"])
    s = s ",\"interval_s\":" fact["interval"] text("cpu_model", cpu_model()) num("cpu_count", cores "") text("driver_version", driver)
    s = s scaled("memory_total_bytes", memory_total(), 1024) num("gpus_on_bus", on_bus) ",\"gpus\":["
    for (i = 1; i <= gpus; i++) s = s (i > 1 ? "," : "") object(known[order[i]])
    s = s "],\"unavailable\":["; sep = ""
    for (w in whys) { s = s sep "{\"what\":\"" esc(w) "\",\"why\":\"" esc(substr(whys[w], 1, 240)) "\"}"; sep = "," }
    say(s "]}")
    hello_version = version; told_at = t; told_gpus = gpus
    for (i = 1; i <= earlies; i++) { say(early[i]); delete early[i] }
    earlies = 0
}
function cpu_model(   line, v) {
    v = ""
    while ((getline line < "/proc/cpuinfo") > 0) if (line ~ /^(model name|cpu)[ \t]*:/) { v = line; sub(/^[^:]*: */, "", v); break }
    close("/proc/cpuinfo")
    cores = 0
    while ((getline line < "/proc/stat") > 0) if (line ~ /^cpu[0-9]/) cores++
    close("/proc/stat")
    return v
}
function memory_total(   line, w) { line = first_line("/proc/meminfo"); split(line, w, " "); return w[2] }
function sweep(t,   s, u, i, d, g, w) {
    s = "{\"kind\":\"sweep\",\"v\":1,\"seq\":" seq++ ",\"t_unix_s\":" stamp(t + offset) ",\"t_mono_s\":" stamp(t) ",\"uptime_s\":" stamp(t)
    split(first_line("/proc/loadavg"), w, /[ \/]/)
    s = s num("load1", w[1]) num("load5", w[2]) num("load15", w[3])
    s = s ",\"cpu\":" object(cpu()) ",\"memory\":" object(memory(t)) ",\"pressure\":" object(pressure()) ",\"tasks\":" object(tasks(w[5], w[4]))
    s = s ",\"filesystems\":" filesystems(t) ",\"disks\":" disks() ",\"nics\":" nics(t)
    if (units != "") s = s ",\"units\":[" substr(units, 2) "]"
    if (hung) s = s ",\"is_driver_hung\":true"
    else {
        for (i = 1; i <= gpus; i++) {
            u = order[i]
            if (u in reading) g = g "," object(",\"uuid\":\"" u "\"" reading[u])
            if (u in details) { d = d "," object(",\"uuid\":\"" u "\"" details[u]); delete details[u] }
        }
        s = s ",\"gpus\":[" substr(g, 2) "]"
        if (d != "") s = s ",\"gpu_details\":[" substr(d, 2) "]"
        if (uses != "") s = s ",\"processes\":[" substr(uses, 2) "]"
    }
    say(s ",\"probe\":" object(cost(t)) "}")
}
function cpu(   line, w, n, i, total, idle, s, each, busy) {
    s = ""; each = ""
    while ((getline line < "/proc/stat") > 0) {
        n = split(line, w, " ")
        if (w[1] == "procs_running") running = w[2]
        else if (w[1] == "procs_blocked") blocked = w[2]
        if (w[1] !~ /^cpu/ || n < 8) continue
        total = 0
        # Guests' time is in user time already.
        for (i = 2; i <= 9 && i <= n; i++) total += w[i]
        idle = w[5] + w[6]
        if (w[1] in was_total && total > was_total[w[1]]) {
            busy = 100 / (total - was_total[w[1]])
            if (w[1] == "cpu") {
                s = ",\"util_pct\":" pct(100 - (idle - was_idle["cpu"]) * busy) ",\"user_pct\":" pct((w[2] + w[3] - was_user) * busy)
                s = s ",\"system_pct\":" pct((w[4] + w[7] + w[8] - was_system) * busy) ",\"iowait_pct\":" pct((w[6] - was_wait) * busy) ",\"steal_pct\":" pct((w[9] - was_steal) * busy)
            } else each = each "," sprintf("%.1f", pct(100 - (idle - was_idle[w[1]]) * busy))
        }
        if (w[1] == "cpu") { was_user = w[2] + w[3]; was_system = w[4] + w[7] + w[8]; was_wait = w[6]; was_steal = w[9] }
        was_total[w[1]] = total; was_idle[w[1]] = idle
    }
    close("/proc/stat")
    return s == "" ? "" : s ",\"cores_pct\":[" substr(each, 2) "]"
}
function memory(t,   line, w, m, s) {
    while ((getline line < "/proc/meminfo") > 0) { split(line, w, /[: ]+/); m[w[1]] = w[2] }
    close("/proc/meminfo")
    if (!("MemAvailable" in m) && "MemFree" in m) m["MemAvailable"] = whole(m["MemFree"] + m["Buffers"] + m["Cached"])
    s = scaled("total_bytes", m["MemTotal"], 1024) scaled("available_bytes", m["MemAvailable"], 1024)
    if (s ~ /total.*available/) s = s ",\"used_bytes\":" whole((m["MemTotal"] - m["MemAvailable"]) * 1024)
    s = s scaled("swap_total_bytes", m["SwapTotal"], 1024) scaled("slab_bytes", m["Slab"], 1024)
    if ("SwapTotal" in m) s = s ",\"swap_used_bytes\":" whole((m["SwapTotal"] - m["SwapFree"]) * 1024)
    if ("HugePages_Total" in m) s = s ",\"hugepages_total_bytes\":" whole(m["HugePages_Total"] * m["Hugepagesize"] * 1024) ",\"hugepages_free_bytes\":" whole(m["HugePages_Free"] * m["Hugepagesize"] * 1024)
    if (t >= vm_due) {
        vm_due = t + 10
        while ((getline line < "/proc/vmstat") > 0) if (line ~ /^oom_kill /) { split(line, w, " "); oom_kills = w[2] }
        close("/proc/vmstat")
    }
    return s num("oom_kills", oom_kills)
}
function pressure(   i, k, line, w, s, path, n) {
    n = split("cpu memory io", k, " "); s = ""
    for (i = 1; i <= n; i++) {
        path = "/proc/pressure/" k[i]
        while ((getline line < path) > 0) {
            if (split(line, w, /[ =]/) < 5 || (k[i] == "cpu" && w[1] == "full")) continue
            s = s num(k[i] "_" w[1] "_pct", w[3]) num(k[i] "_" w[1] "60_pct", w[5])
        }
        close(path)
    }
    if (s == "") gap("pressure", "this kernel has no /proc/pressure")
    return s
}
function tasks(total, unused,   w, s) {
    split(first_line("/proc/sys/fs/file-nr"), w, " ")
    s = num("total", total) num("running", running) num("blocked", blocked) num("pids_max", first_line("/proc/sys/kernel/pid_max"))
    return s num("fds_used", w[1]) (length(w[3]) < 16 ? num("fds_max", w[3]) : "")
}
function is_disk(name) {
    if (!(name in disk)) {
        if (name ~ /^(loop|ram|zram|sr|fd|dm-|md)[0-9]/) disk[name] = 0
        else if (exists("/sys/block/" name "/stat")) disk[name] = exists("/sys/block/" name "/device/uevent")
        else disk[name] = name ~ /^(sd[a-z]+|vd[a-z]+|xvd[a-z]+|nvme[0-9]+n[0-9]+|mmcblk[0-9]+|pmem[0-9]+)$/ && !exists("/sys/block/sda/stat")
    }
    return disk[name]
}
function disks(   line, w, s, n) {
    s = ""; n = 0
    while ((getline line < "/proc/diskstats") > 0) {
        if (split(line, w, " ") < 14 || !is_disk(w[3]) || ++n > 128) continue
        s = s ",{\"device\":\"" esc(w[3]) "\"" scaled("read_bytes", w[6], 512) scaled("write_bytes", w[10], 512) num("read_ops", w[4]) num("write_ops", w[8]) ",\"busy_s\":" sprintf("%.3f", w[13] / 1000) "}"
    }
    close("/proc/diskstats")
    return "[" substr(s, 2) "]"
}
function nics(t,   line, w, s, name, n, i, any, row, up) {
    n = 0; any = 0; s = ""
    while ((getline line < "/proc/net/dev") > 0) {
        if (!match(line, /^ *[^ |]+:/)) continue
        name = substr(line, 1, RLENGTH - 1); gsub(/ /, "", name)
        if (name == "lo" || n >= 64) continue
        if (!(name in physical) || t >= nic_due) { physical[name] = exists("/sys/class/net/" name "/device/uevent"); delete speed[name] }
        if (physical[name]) any = 1
        row[++n] = name; rest[n] = substr(line, RLENGTH + 1)
    }
    close("/proc/net/dev")
    if (t >= nic_due) nic_due = t + 60
    for (i = 1; i <= n; i++) {
        name = row[i]
        if (any && !physical[name]) continue
        split(rest[i], w, " ")
        up = first_line("/sys/class/net/" name "/carrier")
        s = s ",{\"nic\":\"" esc(name) "\"" num("rx_bytes", w[1]) num("rx_errors", w[3]) num("rx_dropped", w[4]) num("tx_bytes", w[9]) num("tx_errors", w[11]) num("tx_dropped", w[12])
        if (up != "") s = s flag("is_up", up == 1)
        else if (exists("/sys/class/net/" name "/operstate")) s = s flag("is_up", 0)
        if (up == 1) {
            if (!(name in speed)) speed[name] = first_line("/sys/class/net/" name "/speed")
            if (speed[name] > 0 && speed[name] < 4294967295) s = s num("speed_mbit", speed[name])
        }
        s = s num("carrier_changes", first_line("/sys/class/net/" name "/carrier_changes")) "}"
    }
    return "[" substr(s, 2) "]"
}
# What all processes of this fallback used, nvidia-smi included; USER_HZ is 100 on every Linux but Alpha and IA-64.
function cost(t,   w, n, i, p, line, ticks, pages) {
    if (t < cost_at + 10 && cost_at != "") return costs
    n = split("self " pids, p, " "); ticks = 0; pages = 0
    for (i = 1; i <= n; i++) {
        line = first_line("/proc/" p[i] "/stat"); sub(/^.*\) /, "", line); split(line, w, " ")
        ticks += w[12] + w[13] + w[14] + w[15]; pages += w[22]
    }
    costs = ""
    if (cost_at != "" && t > cost_at) costs = ",\"cpu_pct\":" sprintf("%.2f", ticks >= was_ticks ? (ticks - was_ticks) / (t - cost_at) : 0) ",\"rss_bytes\":" whole(pages * 4096)
    cost_at = t; was_ticks = ticks
    return costs
}
