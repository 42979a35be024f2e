# The part of the fallback that reads /proc and says JSON. Plain POSIX awk: mawk, gawk, BusyBox' and the original.
# Its input is what fallback.sh and its readers write, one short line each, so that lines of different writers never
# mix:
#   T                  a sweep is due
#   I key value        how this host is called and what it is; "I gap what why": something it cannot tell
#   G ...              what the reader of GPUs says: fallback_gpus.awk
#   F ..., U ..., B ...  filesystems, systemd's units and InfiniBand's ports: fallback_host.awk
#   6,12,345,-;text    a record of the kernel's log: fallback_kernel.awk

BEGIN {
    FS = " "
    # The protocol's version, how long nvidia-smi may take, and how far apart two hellos are, in seconds.
    V = 1; HUNG_S = 5; HELLO_PAUSE_S = 10
    # A clock that moves by more is set, and not slewed; /proc/stat tells the boot's time in whole seconds.
    JUMP_S = 2
    hello_version = -1; version = 0; seq = 0; hung = 0; gpus = 0
    started = now_s()
    read_stat(); btime = boot_s
    if (!exists("/proc/1/status")) gap("processes", "other users' processes are hidden (/proc is mounted with hidepid)")
    name_fields()
}
$1 == "T" { tick(); next }
$1 == "G" { gpu_line(); next }
$1 == "F" { filesystem_line(); next }
$1 == "U" { unit_line(); next }
$1 == "B" { port_line(); next }
$1 == "I" { fact_line(); next }
/^[0-9]+,[0-9]+,[0-9]+,/ { kernel_line() }
END { if (pending && pid != "") system("kill -9 " pid " 2>/dev/null") }

# JSON. A text is printable ASCII and bounded before it is quoted, a number is checked: what a host says is hostile.
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
function is_number(s) { return s ~ /^-?[0-9]+(\.[0-9]+)?$/ && length(s) < 17 }
# JSON knows no leading zeros.
function canonical(s,   sign) {
    sign = sub(/^-/, "", s) ? "-" : ""
    sub(/^0+/, "", s)
    return sign ((s == "" || s ~ /^\./) ? "0" s : s)
}
function num(key, s) { return is_number(s) ? ",\"" key "\":" canonical(s) : "" }
# Counters: whole, and as large as they come.
function count_of(key, s) { return (s ~ /^[0-9]+$/ && length(s) < 19) ? ",\"" key "\":" canonical(s) : "" }
function whole(x) { return sprintf("%.0f", x < 0 ? 0 : x) }
function scaled(key, s, factor) { return (is_number(s) && s >= 0) ? ",\"" key "\":" whole(s * factor) : "" }
function pct(x) { return sprintf("%.2f", x < 0 ? 0 : (x > 100 ? 100 : x)) }
function flag(key, yes) { return ",\"" key "\":" (yes ? "true" : "false") }
function object(s) { return "{" substr(s, 2) "}" }
function stamp(t) { return sprintf("%.3f", t) }
function say(s) { print s; fflush() }

# Files.
function first_line(path,   line) {
    line = ""
    if ((getline line < path) < 0) line = ""
    close(path)
    return line
}
function exists(path,   line, r) { r = (getline line < path); close(path); return r >= 0 }
function now_s(   line, w) { line = first_line("/proc/uptime"); split(line, w, " "); return w[1] + 0 }
function rest_after(n,   s, i) { s = $0; for (i = 0; i < n; i++) sub(/^[^ ]* ?/, "", s); return s }

# What cannot be read.
function gap(what, why) { if (whys[what] != why) { whys[what] = why; version++ } }
function no_gap(what) { if (what in whys) { delete whys[what]; version++ } }

function fact_line(   v) {
    v = rest_after(2)
    if ($2 == "gap") { v = $3; gsub(/_/, " ", v); gap(v, rest_after(3)) }
    else if ($2 == "pids") pids = v
    else if ($2 == "limit") HUNG_S = v / 100
    else if ($2 == "clock") { offset = v - now_s(); btime = boot_s }
    else if ($2 == "named") { v = split(v, named_units, " "); named_count = v }
    else fact[$2] = v
}

function event(name, u, more, line, t,   s, i) {
    if (++told_events > 40) { gap("events", "more than 40 of them in one interval: the rest was left out"); return }
    s = "{\"kind\":\"event\",\"v\":" V ",\"t_unix_s\":" stamp((t == "" ? now_s() : t) + offset) ",\"name\":\"" name "\""
    say(s (u == "" ? "" : text("gpu_uuid", u)) more ",\"text\":\"" esc(substr(line, 1, 400)) "\"}")
}

function tick(   t, moved) {
    t = now_s(); told_events = 0
    read_stat()
    # The boot seems to have been at another time: the wall clock was set.
    moved = boot_s - btime
    if (boot_s > 0 && (moved >= JUMP_S || moved <= -JUMP_S)) {
        offset += moved; btime = boot_s
        if (hello_version >= 0) event("clock-jump", "", "", "the host's clock jumped " (moved > 0 ? "forward by " moved : "back by " -moved) " s", t)
    }
    if (pending && !hung && t - asked > HUNG_S) {
        hung = 1; gap("gpu", "nvidia-smi has not answered for " HUNG_S " s")
        if (hello_version >= 0) event("driver-hung", "", "", whys["gpu"], t)
    }
    # The first hello waits for what GPUs there are.
    if (hello_version < 0 && !no_gpus && !hung && gpus == 0 && !("gpu" in whys) && t - started < HUNG_S + 2) return
    if (version != hello_version && (hello_version < 0 || t - told_at >= HELLO_PAUSE_S || gpus != told_gpus || driver != told_driver)) hello(t)
    sweep(t)
}
function hello(t,   s, i, w, sep, is_first) {
    is_first = (hello_version < 0)
    s = "{\"kind\":\"hello\",\"v\":" V ",\"t_unix_s\":" stamp(t + offset) ",\"hostname\":\"" esc(substr(fact["hostname"], 1, 256)) "\""
    s = s text("boot_id", first_line("/proc/sys/kernel/random/boot_id")) text("kernel", fact["kernel"]) text("os", fact["os"])
    s = s text("arch", fact["arch"]) text("probe", fact["probe"]) ",\"runtime\":\"sh\"" text("user", fact["user"])
    s = s ",\"interval_s\":" sprintf("%.2f", fact["interval"] / 100) text("cpu_model", cpu_model()) count_of("cpu_count", cores)
    s = s scaled("memory_total_bytes", memory_total(), 1024) text("driver_version", driver) text("scheduler", scheduler)
    s = s count_of("gpus_on_bus", on_bus) ",\"gpus\":["
    for (i = 1; i <= gpus; i++) s = s (i > 1 ? "," : "") object(known[order[i]])
    s = s "],\"unavailable\":["; sep = ""
    for (w in whys) { s = s sep "{\"what\":\"" esc(substr(w, 1, 256)) "\",\"why\":\"" esc(substr(whys[w], 1, 240)) "\"}"; sep = "," }
    say(s "]}")
    hello_version = version; told_at = t; told_gpus = gpus; told_driver = driver
    if (!is_first) return
    if (hung) event("driver-hung", "", "", whys["gpu"], t)
    tell_backlog()
}
function sweep(t,   s, w) {
    s = "{\"kind\":\"sweep\",\"v\":" V ",\"seq\":" seq++ ",\"t_unix_s\":" stamp(t + offset) ",\"t_mono_s\":" stamp(t) ",\"uptime_s\":" stamp(t)
    split(first_line("/proc/loadavg"), w, /[ \/]/)
    s = s num("load1", w[1]) num("load5", w[2]) num("load15", w[3])
    s = s ",\"cpu\":" object(cpu()) ",\"memory\":" object(memory(t)) ",\"pressure\":" object(pressure()) ",\"tasks\":" object(tasks(w[5]))
    s = s ",\"filesystems\":" filesystems(t) ",\"disks\":" disks() ",\"nics\":" nics(t)
    if (units != "") s = s ",\"units\":[" substr(units, 2) "]"
    if (ports != "") s = s ",\"ib_ports\":[" substr(ports, 2) "]"
    say(s gpu_parts() ",\"probe\":" object(cost(t)) "}")
}

# What the shells and this awk used, the nvidia-smi and other commands that have ended included.
# USER_HZ is 100 on every Linux but Alpha and IA-64.
function cost(t,   w, n, i, p, line, ticks, kib) {
    if (cost_at != "" && t < cost_at + 10) return costs
    n = split("self " pids, p, " "); ticks = 0; kib = 0
    for (i = 1; i <= n; i++) {
        line = first_line("/proc/" p[i] "/stat"); sub(/^.*\) /, "", line); split(line, w, " ")
        ticks += w[12] + w[13] + w[14] + w[15]
        while ((getline line < ("/proc/" p[i] "/status")) > 0) if (line ~ /^VmRSS:/) { split(line, w, " "); kib += w[2]; break }
        close("/proc/" p[i] "/status")
    }
    costs = (cost_at == "" || t <= cost_at || ticks < was_ticks) ? "" : ",\"cpu_pct\":" sprintf("%.2f", (ticks - was_ticks) / (t - cost_at))
    costs = costs ",\"rss_bytes\":" whole(kib * 1024)
    cost_at = t; was_ticks = ticks
    return costs
}
