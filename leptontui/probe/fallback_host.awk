# The host: /proc, /sys, and what the slow reader says of filesystems and units.

# /proc/stat, once a sweep.
function read_stat(   line, w, n, i) {
    stat_rows = 0
    while ((getline line < "/proc/stat") > 0) {
        if (line ~ /^cpu/) { if (stat_rows < 1025) stat_row[++stat_rows] = line }
        else if (line ~ /^intr/) continue
        else {
            split(line, w, " ")
            if (w[1] == "btime") boot_s = w[2] + 0
            else if (w[1] == "procs_running") running = w[2]
            else if (w[1] == "procs_blocked") blocked = w[2]
        }
    }
    close("/proc/stat")
    cores = stat_rows > 1 ? stat_rows - 1 : ""
}
function cpu(   w, n, r, i, total, idle, s, each, share) {
    s = ""; each = ""
    for (r = 1; r <= stat_rows; r++) {
        n = split(stat_row[r], w, " ")
        if (n < 8) continue
        total = 0
        # Guests' time is in user time already.
        for (i = 2; i <= 9 && i <= n; i++) total += w[i]
        idle = w[5] + w[6]
        if (w[1] in was_total && total > was_total[w[1]]) {
            share = 100 / (total - was_total[w[1]])
            if (w[1] == "cpu") {
                s = ",\"util_pct\":" pct(100 - (idle - was_idle["cpu"]) * share) ",\"user_pct\":" pct((w[2] + w[3] - was_user) * share)
                s = s ",\"system_pct\":" pct((w[4] + w[7] + w[8] - was_system) * share)
                s = s ",\"iowait_pct\":" pct((w[6] - was_wait) * share) ",\"steal_pct\":" pct((w[9] - was_steal) * share)
            } else each = each "," sprintf("%.1f", pct(100 - (idle - was_idle[w[1]]) * share))
        }
        if (w[1] == "cpu") { was_user = w[2] + w[3]; was_system = w[4] + w[7] + w[8]; was_wait = w[6]; was_steal = w[9] }
        was_total[w[1]] = total; was_idle[w[1]] = idle
    }
    return s == "" ? "" : s ",\"cores_pct\":[" substr(each, 2) "]"
}
function cpu_model(   line) {
    if (is_model_read) return model
    is_model_read = 1; model = ""
    while ((getline line < "/proc/cpuinfo") > 0) if (line ~ /^(model name|cpu)[ \t]*:/) { model = line; sub(/^[^:]*: */, "", model); break }
    close("/proc/cpuinfo")
    return model
}
function memory_total(   line, w) { line = first_line("/proc/meminfo"); split(line, w, " "); return w[2] }
function memory(t,   line, w, m, s) {
    while ((getline line < "/proc/meminfo") > 0) if (line ~ /^(Mem|Swap[TF]|Slab|Huge|Buffers|Cached)/) { split(line, w, /[: ]+/); m[w[1]] = w[2] }
    close("/proc/meminfo")
    # Before Linux 3.14.
    if (!("MemAvailable" in m) && "MemFree" in m) m["MemAvailable"] = whole(m["MemFree"] + m["Buffers"] + m["Cached"])
    s = scaled("total_bytes", m["MemTotal"], 1024) scaled("available_bytes", m["MemAvailable"], 1024)
    if (s ~ /total.*available/) s = s ",\"used_bytes\":" whole((m["MemTotal"] - m["MemAvailable"]) * 1024)
    s = s scaled("swap_total_bytes", m["SwapTotal"], 1024) scaled("slab_bytes", m["Slab"], 1024)
    if ("SwapTotal" in m) s = s ",\"swap_used_bytes\":" whole((m["SwapTotal"] - m["SwapFree"]) * 1024)
    if ("HugePages_Total" in m) {
        s = s ",\"hugepages_total_bytes\":" whole(m["HugePages_Total"] * m["Hugepagesize"] * 1024)
        s = s ",\"hugepages_free_bytes\":" whole(m["HugePages_Free"] * m["Hugepagesize"] * 1024)
    }
    if (t >= vm_due) {
        vm_due = t + 10
        while ((getline line < "/proc/vmstat") > 0) if (line ~ /^oom_kill /) { split(line, w, " "); oom_kills = w[2]; break }
        close("/proc/vmstat")
    }
    return s count_of("oom_kills", oom_kills)
}
function pressure(   i, k, line, w, s, path, n) {
    if (has_no_pressure) return ""
    n = split("cpu memory io", k, " "); s = ""
    for (i = 1; i <= n; i++) {
        path = "/proc/pressure/" k[i]
        while ((getline line < path) > 0) {
            if (split(line, w, /[ =]/) < 5 || (k[i] == "cpu" && w[1] == "full") || w[1] !~ /^(some|full)$/) continue
            s = s num(k[i] "_" w[1] "_pct", w[3]) num(k[i] "_" w[1] "60_pct", w[5])
        }
        close(path)
    }
    if (s == "") { has_no_pressure = 1; gap("pressure", "this kernel tells no pressure (/proc/pressure)") }
    return s
}
function tasks(total,   w, s) {
    split(first_line("/proc/sys/fs/file-nr"), w, " ")
    s = count_of("total", total) count_of("running", running) count_of("blocked", blocked) count_of("pids_max", first_line("/proc/sys/kernel/pid_max"))
    return s (w[1] - w[2] >= 0 ? count_of("fds_used", whole(w[1] - w[2])) : "") count_of("fds_max", w[3])
}
# A whole disk, and not what is made of disks.
function is_disk(name) {
    if (!(name in disk)) {
        if (name ~ /^(loop|ram|zram|sr|fd|dm-|md|nbd)[0-9]/) disk[name] = 0
        else if (exists("/sys/block/" name "/stat")) disk[name] = exists("/sys/block/" name "/device/uevent") || name ~ /^(vd|xvd|nvme|pmem)/
        else disk[name] = name ~ /^(sd[a-z]+|vd[a-z]+|xvd[a-z]+|nvme[0-9]+n[0-9]+|mmcblk[0-9]+|pmem[0-9]+)$/ && !exists("/sys/block/sda/stat")
    }
    return disk[name]
}
function disks(   line, w, s, n) {
    s = ""; n = 0
    while ((getline line < "/proc/diskstats") > 0) {
        if (split(line, w, " ") < 14 || !is_disk(w[3]) || ++n > 128) continue
        s = s ",{\"device\":\"" esc(substr(w[3], 1, 64)) "\"" scaled("read_bytes", w[6], 512) scaled("write_bytes", w[10], 512)
        s = s count_of("read_ops", w[4]) count_of("write_ops", w[8]) (w[13] ~ /^[0-9]+$/ ? ",\"busy_s\":" stamp(w[13] / 1000) : "") "}"
    }
    close("/proc/diskstats")
    return "[" substr(s, 2) "]"
}
function nics(t,   line, w, s, name, n, i, any, row, rest, up) {
    n = 0; any = 0; s = ""
    while ((getline line < "/proc/net/dev") > 0) {
        if (!match(line, /^ *[^ |]+:/)) continue
        name = substr(line, 1, RLENGTH - 1); gsub(/ /, "", name)
        if (name == "lo" || name ~ /\// || n >= 64) continue
        if (!(name in physical) || t >= nic_due) { physical[name] = exists("/sys/class/net/" name "/device/uevent"); delete speed[name] }
        if (physical[name]) any = 1
        row[++n] = name; rest[n] = substr(line, RLENGTH + 1)
    }
    close("/proc/net/dev")
    if (t >= nic_due) nic_due = t + 60
    for (i = 1; i <= n; i++) {
        name = row[i]
        # Bridges, bonds and containers' ends only where there is nothing else.
        if (any && !physical[name]) continue
        split(rest[i], w, " ")
        up = first_line("/sys/class/net/" name "/carrier")
        s = s ",{\"nic\":\"" esc(substr(name, 1, 64)) "\"" count_of("rx_bytes", w[1]) count_of("rx_errors", w[3]) count_of("rx_dropped", w[4])
        s = s count_of("tx_bytes", w[9]) count_of("tx_errors", w[11]) count_of("tx_dropped", w[12])
        if (up != "") s = s flag("is_up", up == 1)
        else if (exists("/sys/class/net/" name "/operstate")) s = s flag("is_up", 0)
        if (up == 1) {
            if (!(name in speed)) speed[name] = first_line("/sys/class/net/" name "/speed")
            if (speed[name] + 0 > 0 && speed[name] + 0 < 4294967295) s = s count_of("speed_mbit", speed[name])
        }
        s = s count_of("carrier_changes", first_line("/sys/class/net/" name "/carrier_changes")) "}"
    }
    return "[" substr(s, 2) "]"
}

# "F begin", then for each "F mount|device|fstype|ro|block size|blocks|free|available|inodes|inodes free", before one
# over the network "F < mount" and after it "F > mount", and "F end".
function filesystem_line(   c, n, s, m) {
    if ($2 == "begin") return
    if ($2 == "<") { fs_pending = rest_after(2); fs_asked = now_s(); return }
    if ($2 == ">") { fs_pending = ""; return }
    if ($2 == "end") { fs_at = now_s(); fs_pending = ""; return }
    n = split(rest_after(1), c, "|"); m = c[1]
    s = text("mount", m) text("device", c[2]) text("fstype", c[3]) flag("is_readonly", c[4] == "ro")
    if (s !~ /^,"mount"/) return
    fs_name[m] = object(s flag("is_silent", 1))
    if (n >= 10 && is_number(c[6]) && c[6] + 0 > 0) {
        s = s scaled("total_bytes", c[6], c[5]) ",\"used_bytes\":" whole((c[6] - c[7]) * c[5]) scaled("available_bytes", c[8], c[5])
        if (is_number(c[9]) && c[9] + 0 > 0) s = s count_of("inodes_total", c[9]) ",\"inodes_used\":" whole(c[9] - c[10])
    } else if (c[5] == "silent") { s = s flag("is_silent", 1); gap("filesystem " m, "it does not answer") }
    if (c[5] != "silent") no_gap("filesystem " m)
    if (!(m in fs)) { if (fs_count >= 64) return; fs_order[++fs_count] = m }
    fs[m] = object(s); fs_read[m] = now_s()
}
function filesystems(t,   i, m, s) {
    s = ""
    for (i = 1; i <= fs_count; i++) {
        m = fs_order[i]
        if (m == fs_pending && t - fs_asked > HUNG_S) { s = s "," fs_name[m]; gap("filesystem " m, "it does not answer"); continue }
        # One that is not told any more is unmounted; while another hangs none can be told.
        if (fs_pending == "" && fs_at - fs_read[m] > 60) continue
        s = s "," (t - fs_read[m] > 120 ? fs_name[m] : fs[m])
    }
    return "[" substr(s, 2) "]"
}

# "U begin", then systemctl's lines in whatever order, an empty one after each unit, and "U end".
function unit_line(   k, v) {
    if ($2 == "begin") { unit_text = ""; unit = ""; delete states["slurmd"]; delete states["kubelet"]; return }
    v = rest_after(1); k = v
    if (index(v, "=")) { sub(/=.*/, "", k); sub(/^[^=]*=/, "", v) }
    else {
        if (unit != "") unit_ends()
        unit = ""; one = ""; state = ""; activity = ""
        if ($2 == "end") { units = unit_text; scheduler_is(states["slurmd"], states["kubelet"]) }
        return
    }
    if (k == "LoadState") state = v
    else if (k == "Id") { unit = v; sub(/\.service$/, "", unit) }
    else if (k == "ActiveState") activity = v
    else if (k == "SubState") one = one text("sub", v)
    else if (k == "MainPID" && v + 0 > 0) one = one count_of("main_pid", v)
    else if (k == "NRestarts") one = one count_of("restarts", v)
    else if (k == "StateChangeTimestampMonotonic" && v + 0 > 0) one = one ",\"since_s\":" sprintf("%.1f", now_s() > v / 1000000 ? now_s() - v / 1000000 : 0)
}
function unit_ends() {
    if (state !~ /^(not-found|masked|error|bad-setting)$/) {
        unit_text = unit_text "," object(text("unit", unit) text("active", activity) one)
        states[unit] = activity
    } else if (is_named_unit(unit)) unit_text = unit_text "," object(text("unit", unit) text("active", state))
}
function is_named_unit(u,   i) { for (i = 1; i <= named_count; i++) if (named_units[i] == u) return 1; return 0 }
function scheduler_is(slurmd, kubelet,   s) {
    s = (slurmd == "active") ? "slurm" : (kubelet == "active") ? "kubernetes" : (slurmd != "") ? "slurm" : (kubelet != "") ? "kubernetes" : ""
    if (s != scheduler) { scheduler = s; version++ }
}

# "B begin", then "B device/port|state|physical state|layer|rate|received|sent|counters of errors", and "B end".
function port_line(   c, s) {
    if ($2 == "begin") { port_text = ""; port_count = 0; return }
    if ($2 == "end") { ports = port_text; return }
    if (split(rest_after(1), c, "|") < 11 || c[1] !~ /[^ ]/ || ++port_count > 64) return
    # Both count in words of four octets.
    s = text("port", c[1]) text("state", word_of(c[2])) text("phys_state", word_of(c[3])) text("layer", c[4])
    if (c[5] ~ /^[0-9.]+ Gb\/sec/) { sub(/ .*/, "", c[5]); s = s num("rate_gbit", c[5]) }
    s = s scaled("rx_bytes", c[6], 4) scaled("tx_bytes", c[7], 4) count_of("link_downed", c[8]) count_of("link_recoveries", c[9])
    port_text = port_text "," object(s count_of("symbol_errors", c[10]) count_of("rx_errors", c[11]))
}
# "4: ACTIVE" is active.
function word_of(s) { return sub(/^[0-9]+: */, "", s) ? tolower(s) : "" }
