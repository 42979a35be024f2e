# What nvidia-smi says. Its calls come as: "G < kind" when it is started, "G P pid", "G = line" for each line of its
# answer, "G > status" at the end. Kinds: h its help, i what the GPUs are, f what is fast, d details, r remapped rows,
# p processes. "G fields kind a,b,c" says which fields were asked for.

function name_fields() {
    # Field of nvidia-smi, what it is, field of the wire. n a number, i a whole one, m MiB, u microseconds, y yes or no,
    # w words of a few, t any text.
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

function gpu_line(   k, v, w, i) {
    k = $2; v = rest_after(2)
    if (k == "<") { pending = 1; call = v; asked = now_s(); rows = 0; pid = ""; words = "" }
    else if (k == "P") { if (v ~ /^[0-9]+$/) pid = v }
    else if (k == "=") { if (rows < 1024) csv[++rows] = v }
    else if (k == ">") { pending = 0; pid = ""; answered(v + 0) }
    else if (k == "fields") { count[$3] = split($4, w, ","); for (i = 1; i <= count[$3]; i++) field[$3, i] = w[i] }
    else if (k == "none") { no_gpus = 1; gap("gpu", v) }
    else if (k == "pace") { if (v == "") no_gap("gpu cadence"); else gap("gpu cadence", v) }
    else if (k == "bus") { if (v != on_bus) { on_bus = v; version++ } }
}
function answered(status,   took) {
    took = now_s() - asked
    if (hung) {
        hung = 0; no_gap("gpu")
        if (hello_version >= 0) event("driver-answers", "", "", "nvidia-smi answers again, after " whole(took) " s", "")
        # A driver that is loaded at each call, for want of persistence mode, may take so long always.
        if (call != "h" && took < 30) HUNG_S = whole(took + 5)
    }
    if (call == "h") return
    if (call == "p") take_processes()
    else take(call, status)
}
function cell_of(k, name,   i) { for (i = 1; i <= count[k]; i++) if (field[k, i] == name) return cell[i]; return "" }
# Whether s is, or has in it, the PCI address of a GPU: the kernel's "0000:3b:00", nvidia-smi's "00000000:3B:00.0".
function is_at(s, u,   b) {
    b = toupper(bus[u]); s = toupper(s)
    return length(b) > 10 && length(s) > 6 && (index(s, substr(b, 5)) || index(b, s) == 1 || index(substr(b, 5), s) == 1)
}
function take(k, status,   i, n, u, seen, is_named) {
    n = 0
    for (i = 1; i <= rows; i++) {
        u = csv[i]; sub(/,.*/, "", u); sub(/ +$/, "", u)
        if (split(csv[i], cell, /, */) < count[k] || count[k] == 0 || u !~ /^GPU-[0-9A-Za-z_.-]+$/ || length(u) > 96) {
            if (words == "" && csv[i] ~ /[^ ]/) words = csv[i]
            continue
        }
        n++
        if (csv[i] ~ /\[GPU is lost\]/) { words = "nvidia-smi says of it: GPU is lost"; told_lost[u] = 1; continue }
        delete told_lost[u]
        seen[u] = 1
        if (k == "i") identify(u)
        else if (k == "f") reading[u] = reading_of(k)
        else if (k == "r") remapped[u] = values_of(k)
        else if (k == "d") details[u] = details_of(k, u)
    }
    if (n > 0) no_gap("gpu")
    else gap("gpu", "nvidia-smi: " (words == "" ? "status " status : words))
    if (k != "f") return
    is_named = 0
    for (u in known) {
        if (u in seen) { delete lost[u]; continue }
        # A GPU that was there and is gone, by an answer that has others or names it.
        if (n == 0 && !is_at(words, u)) continue
        is_named = 1
        delete reading[u]
        if (!(u in lost)) { lost[u] = 1; event("gpu-lost", u, "", words == "" ? "nvidia-smi does not list it any more" : words, "") }
    }
    # Where the answer is but of one, the others are asked again at once, without it.
    if (n == 0 && !is_named) for (u in known) delete reading[u]
}
function identify(u,   i, f, s) {
    s = ",\"uuid\":\"" u "\""
    for (i = 1; i <= count["i"]; i++) {
        f = field["i", i]
        if (f == "driver_version") { if (driver != cell[i]) { driver = cell[i]; version++ } }
        else if (f == "inforom.checksum_validation") inforom[u] = value(f, cell[i])
        else if (f != "uuid") s = s value(f, cell[i])
        if (f == "pci.bus_id") bus[u] = cell[i]
    }
    # The wire does not do without a number.
    if (s !~ /"index":[0-9]/) s = s ",\"index\":" (u in place ? place[u] : gpus)
    s = s ",\"vendor\":\"nvidia\""
    if (!(u in known)) { if (gpus >= 64) return; place[u] = gpus; order[++gpus] = u }
    else if (known[u] == s) return
    known[u] = s; version++
}
function value(f, v) {
    sub(/ +$/, "", v)
    if (v ~ /^\[/ || v == "N/A" || v == "") return ""
    if (kind[f] == "n") return num(wire[f], v)
    if (kind[f] == "i") return count_of(wire[f], v)
    if (kind[f] == "m") return scaled(wire[f], v, 1048576)
    if (kind[f] == "u") return is_number(v) ? ",\"" wire[f] "\":" sprintf("%.6f", v / 1000000) : ""
    if (kind[f] == "y") {
        if (v ~ /^(Yes|Enabled|1|valid)$/) return flag(wire[f], 1)
        return v ~ /^(No|Disabled|0|invalid)$/ ? flag(wire[f], 0) : ""
    }
    if (kind[f] == "w") { v = tolower(v); sub(/p2p/, "P2P", v); return text(wire[f], v) }
    return kind[f] == "t" ? text(wire[f], v) : ""
}
function values_of(k,   i, s) { s = ""; for (i = 1; i <= count[k]; i++) s = s value(field[k, i], cell[i]); return s }
function hex(s,   i, x) {
    if (s !~ /^0x[0-9A-Fa-f]+ *$/) return ""
    sub(/ +$/, "", s); x = 0
    for (i = 3; i <= length(s); i++) x = x * 16 + index("0123456789abcdef", tolower(substr(s, i, 1))) - 1
    return whole(x)
}
function reading_of(k,   i, f, s, used, reserved) {
    s = ""; used = ""; reserved = 0
    for (i = 1; i <= count[k]; i++) {
        f = field[k, i]; sub(/ +$/, "", cell[i])
        if (f == "memory.used") used = cell[i]
        else if (f == "memory.reserved") { if (is_number(cell[i])) reserved = cell[i] }
        else if (f == "pstate") { if (cell[i] ~ /^P[0-9]+$/) s = s count_of("pstate", substr(cell[i], 2)) }
        else if (f ~ /reasons\.active$/) s = s count_of("throttle_reasons", hex(cell[i]))
        else if (f != "index") s = s value(f, cell[i])
    }
    # Since driver 510 used does not include what the driver has reserved for itself.
    if (is_number(used)) s = s scaled("memory_used_bytes", used + reserved "", 1048576)
    return s
}
function details_of(k, u,   s) {
    if (cell_of(k, "mig.mode.current") ~ /^Enabled/) gap("mig", "MIG instances are not told by the sh fallback: that needs python3")
    s = values_of(k) change(k, "ecc.mode", "is_ecc_change_pending") change(k, "mig.mode", "is_mig_change_pending")
    return s inforom[u] remapped[u]
}
function change(k, f, key,   a, b) {
    a = cell_of(k, f ".current"); b = cell_of(k, f ".pending")
    sub(/ +$/, "", a); sub(/ +$/, "", b)
    return (a ~ /abled$/ && b ~ /abled$/) ? flag(key, a != b) : ""
}
function gpu_parts(   i, u, g, d) {
    # Nothing is known of them: that they are not listed does not mean that they are gone.
    if (hung) return ",\"is_driver_hung\":true"
    for (i = 1; i <= gpus; i++) {
        u = order[i]
        if (u in reading) g = g "," object(",\"uuid\":\"" u "\"" reading[u])
        if (u in details) { d = d "," object(",\"uuid\":\"" u "\"" details[u]); delete details[u] }
    }
    return ",\"gpus\":[" substr(g, 2) "]" (d == "" ? "" : ",\"gpu_details\":[" substr(d, 2) "]") (uses == "" ? "" : ",\"processes\":[" substr(uses, 2) "]")
}

# Who uses them.
function take_processes(   i, n, c, s, p) {
    uses = ""
    for (i = 1; i <= rows && i <= 512; i++) {
        n = split(csv[i], c, /, */)
        if (n < 4 || c[1] !~ /^(GPU|MIG)-[0-9A-Za-z_.\/-]+$/ || c[2] !~ /^[0-9]+$/ || length(c[2]) > 9) continue
        s = ",\"uuid\":\"" c[1] "\"" count_of("pid", c[2]) scaled("memory_used_bytes", c[3], 1048576)
        p = csv[i]; sub(/^[^,]*, *[^,]*, *[^,]*, */, "", p)
        # "[Not Found]" for those of containers.
        if (p ~ /^(\[|-$)/) p = first_line("/proc/" c[2] "/comm")
        uses = uses "," object(s text("command", p) owner(c[2]) job(c[2]))
    }
}
function owner(p,   line, w, path, id) {
    path = "/proc/" p "/status"; id = ""
    while ((getline line < path) > 0) if (line ~ /^Uid:/) { split(line, w, " "); id = w[2]; break }
    close(path)
    if (id == "") return ""
    if (!(id in user)) {
        user[id] = "uid " id
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
