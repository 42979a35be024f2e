# The fallback: what runs where no Python can run the probe. POSIX sh (dash, bash, ksh, BusyBox) and awk, nothing else
# needed; $LEPTON_AWK is the text of the awk files, $h the header that came first on standard input. Readers of their
# own write to awk: a nvidia-smi or a filesystem that hangs holds up nothing else, and no second one is started.
#
# What it costs (measured on AMD EPYC cores at 1 Hz, with dash and mawk; BusyBox in brackets): 0.23 % (0.27 %) of a core
# and 2.5 MiB (4.3 MiB) in ten processes. With eight GPUs 0.5 % more for reading what nvidia-smi says, and for
# nvidia-smi itself what it takes, a twentieth of the time: it is called less often where it is slow, down to every 3 s.
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/bin:/bin:/usr/sbin:/sbin; export PATH
set -f
newline='
'
# What others said is not to be interpreted: some shells' echo takes backslashes for more.
if [ "$(echo '\t')" = '\t' ]; then say() { echo "$*"; }
elif [ -n "${KSH_VERSION-}" ]; then say() { print -r -- "$*"; }
else say() { printf '%s\n' "$*"; }; fi

# The header's values that matter here: numbers and plain words only.
of_header() {
  v=${h#*"\"$1\":"}
  [ "$v" = "$h" ] && { v=; return 1; }
  v=${v# }; v=${v#'"'}; v=${v%%[,\}\"]*}
}
# $1 times 100 as a whole number, without forking: 0.25 is 25.
hundredths() {
  case $1 in '' | *[!0-9.]* | *.*.* | .*) v=$2; return ;; esac
  v=${1%%.*} part=00
  case $1 in *.*) part=${1#*.}00 ;; esac
  while [ ${#part} -gt 2 ]; do part=${part%?}; done
  v=$v$part
  while :; do case $v in 0?*) v=${v#0} ;; *) return ;; esac; done
}
unit_names() {
  named=
  u=${h#*'"units":'}
  [ "$u" = "$h" ] && return
  u=${u#*"["}; u=${u%%"]"*}
  IFS=' ,"'
  for one in $u; do
    case $one in
      '' | -* | *[!A-Za-z0-9@_.:-]*) ;;
      *) named="$named ${one%.service}" ;;
    esac
  done
  unset IFS
}

# An awk that works: the system's, or one that has another name.
awk=
for one in awk mawk gawk 'busybox awk' nawk; do
  [ "$($one 'BEGIN { print 6 * 7 }' </dev/null 2>/dev/null)" = 42 ] && { awk=$one; break; }
done
[ -n "$awk" ] || { echo "lepton: neither a usable python3 (3.6 or newer) nor awk on this host" >&2; exit 78; }
[ -r /proc/uptime ] && [ -r /proc/stat ] || { echo "lepton: no usable python3 (3.6 or newer), and no /proc, on this host" >&2; exit 78; }
# mawk waits for a full buffer otherwise.
case $($awk -W version </dev/null 2>&1) in mawk*) awk="$awk -W interactive" ;; esac
renice -n 10 -p $$ >/dev/null 2>&1

# All times are in hundredths of a second. Without a sleep that knows fractions a second is the shortest interval.
fractions=; sleep 0.01 2>/dev/null && fractions=1
of_header interval_s; hundredths "$v" 100; interval=$v
[ -n "$fractions" ] && shortest=20 || shortest=100
[ "$interval" -ge "$shortest" ] || interval=$shortest
of_header phase; hundredths "$v" 0; offset=$((interval * (v % 100) / 100))
sys=/sys; of_header sys && sys=$v
unit_names
units=
for one in nvidia-fabricmanager nvidia-persistenced nvidia-dcgm slurmd slurmctld kubelet containerd docker crio $named; do
  case " $units " in *" $one "* | *" $one.service "*) continue ;; esac
  case $one in *.*) units="$units $one" ;; *) units="$units $one.service" ;; esac
done

FAST='uuid index utilization.gpu utilization.memory memory.used memory.reserved temperature.gpu temperature.gpu.tlimit
temperature.memory power.draw enforced.power.limit pstate clocks.sm clocks.mem fan.speed clocks_event_reasons.active
clocks_throttle_reasons.active pcie.link.gen.current pcie.link.width.current ecc.errors.corrected.volatile.total
ecc.errors.uncorrected.volatile.total'
ROWS='remapped_rows.correctable remapped_rows.uncorrectable remapped_rows.pending remapped_rows.failure
remapped_rows.histogram.max remapped_rows.histogram.high remapped_rows.histogram.partial remapped_rows.histogram.low
remapped_rows.histogram.none'
DETAILS="uuid clocks_event_reasons_counters.sw_power_cap clocks_event_reasons_counters.sw_thermal_slowdown
clocks_event_reasons_counters.hw_thermal_slowdown clocks_event_reasons_counters.hw_power_brake_slowdown
ecc.errors.corrected.volatile.sram ecc.errors.corrected.volatile.dram ecc.errors.uncorrected.volatile.sram
ecc.errors.uncorrected.volatile.dram ecc.errors.uncorrected.aggregate.sram ecc.errors.uncorrected.aggregate.dram
ecc.errors.uncorrected.aggregate.sram.thresholdExceeded $ROWS retired_pages.single_bit_ecc.count
retired_pages.double_bit.count retired_pages.pending fabric.state fabric.status gpu_recovery_action persistence_mode
ecc.mode.current ecc.mode.pending mig.mode.current mig.mode.pending"
IDENTITY='uuid index name serial pci.bus_id vbios_version driver_version memory.total enforced.power.limit
clocks.max.sm clocks.max.memory pcie.link.gen.max pcie.link.width.max inforom.checksum_validation'

# Time since boot, without a fork.
uptime_cs() {
  read -r cs _ </proc/uptime; cs=${cs%.*}${cs#*.}
  while :; do case $cs in 0?*) cs=${cs#0} ;; *) return ;; esac; done
}
# What sleep takes for so long.
seconds_of() {
  [ -n "$fractions" ] || { seconds=$((($1 + 99) / 100)); return; }
  seconds=$(($1 % 100))
  [ $seconds -ge 10 ] || seconds=0$seconds
  seconds=$(($1 / 100)).$seconds
}
# Sleep so long; a signal ends it, and nothing of it stays. Neither does it hold awk's input open.
rest() {
  seconds_of "$1"
  resting=
  trap 'kill $resting 2>/dev/null; exit' TERM
  sleep "$seconds" >/dev/null 2>&1 &
  resting=$!
  wait $resting
  trap - TERM
}

# Run nvidia-smi, one at a time; its process number is told before it starts, so that it can be killed at the end.
call() {
  echo "G < $1"; shift
  { out=$(exec sh -c 'echo "G P $$" >&4; exec "$@" 4>&-' sh nvidia-smi "$@" 2>&1 </dev/null); status=$?; } 4>&1
}
tell() {
  IFS=$newline
  for line in $out; do say "G = $line"; done
  unset IFS
  echo "G > $status"
}
# Which of $2's fields this driver knows, for kind $1: one unknown field fails the whole query.
known_fields() {
  list=
  for one in $2; do
    case $one in clocks_throttle_reasons.*) case $list in *clocks_event_reasons.active*) continue ;; esac ;; esac
    case $help in *"\"$one\""*) list=$list${list:+,}$one ;; esac
  done
  echo "G fields $1 $list"
}
learn_fields() {
  call h --help-query-gpu; echo "G > $status"; help=$out
  known_fields i "$IDENTITY"; identity=$list
  known_fields f "$FAST"; fast=$list
  known_fields d "$DETAILS"; details=$list
  remapped=
  case $details in *remapped_rows*) return ;; esac
  # Drivers before 550 tell of remapped rows in a query of its own.
  call h --help-query-remapped-rows; echo "G > $status"; help_of_gpu=$help help=$out
  known_fields r "gpu_uuid $ROWS"; help=$help_of_gpu
  case $list in gpu_uuid,*) remapped=$list ;; esac
}
query() {
  while :; do
    call "$1" $ids "--query-$3=$2" --format=csv,noheader,nounits; tell
    case $out in
      *"Unable to determine the device handle for GPU"*) without_lost || return ;;
      *) return ;;
    esac
  done
}
# One GPU that is lost fails the whole query: ask the others only, by their addresses. False where that is done already.
without_lost() {
  lost= others=
  for one in $out; do
    one=${one#GPU}; one=${one%:}
    case $one in [0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f]*.[0-9A-Fa-f]*) lost=$(lower "$one") ;; esac
  done
  [ -n "$lost" ] || return 1
  for one in $buses; do case $one in *"$lost"*) ;; *) others=$others${others:+,}$one ;; esac; done
  [ -n "$others" ] && [ "--id=$others" != "$ids" ] || return 1
  ids=--id=$others
  IFS=,; set -- $others; unset IFS; buses="$*"
}
lower() { say "$1" | tr A-F a-f 2>/dev/null; }
# Addresses of the GPUs that the driver has, or had when nvidia-smi last told them.
learn_buses() {
  set +f
  found=
  for one in /proc/driver/nvidia/gpus/*; do [ -e "$one" ] && found="$found ${one##*/}"; done
  set -f
  if [ -z "$found" ]; then
    for one in $out; do
      one=${one%,}
      case $one in [0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f]*.[0-9A-Fa-f]) found="$found $one" ;; esac
    done
    found=$(lower "$found")
  fi
  [ -z "$found" ] || all_buses=$found
}
read_gpus() {
  command -v nvidia-smi >/dev/null 2>&1 || { echo "G none no nvidia-smi on this host, and no python3 for the driver itself"; return; }
  help= ids= all_buses= pace= lags=0
  while :; do
    uptime_cs; start=$cs
    case $help in
      *'"uuid"'*) ;;
      *) learn_fields; identity_due=0 details_due=0 uses_due=0 all_due=0 ;;
    esac
    # Whether a GPU that was lost is back.
    if [ "$start" -ge "$all_due" ]; then ids= all_due=$((start + 6000)); learn_buses; buses=$all_buses; fi
    if [ "$start" -ge "$identity_due" ]; then
      query i "$identity" gpu
      if [ $status -eq 0 ]; then identity_due=$((start + 60000)); [ -n "$ids" ] || { learn_buses; buses=$all_buses; }; else identity_due=$((start + 1000)); fi
    fi
    query f "$fast" gpu
    rows=$(rows_of "$out")
    if [ "$start" -ge "$details_due" ]; then
      details_due=$((start + 990))
      [ -z "$remapped" ] || query r "$remapped" remapped-rows
      query d "$details" gpu
    fi
    if [ "$start" -ge "$uses_due" ]; then uses_due=$((start + 490)); query p gpu_uuid,pid,used_memory,process_name compute-apps; fi
    # GPUs that came or went are asked who they are; a driver that is gone may come back as another.
    [ "$rows" = "${rows_before:-$rows}" ] || { identity_due=0; [ "$rows" = 0 ] || help=; }
    rows_before=$rows
    uptime_cs
    # It may take a twentieth of the time: without persistence mode it wakes the driver at each call. But a driver that
    # hangs has to be noticed within ten seconds, so no more than three are between two calls.
    took=$((cs - start)) pause=$((interval - cs + start))
    [ $pause -ge $((took * 19)) ] || { pause=$((took * 19)); [ $pause -le 300 ] || pause=300; }
    # One round that is slow is not worth a word.
    [ $((took + pause)) -gt $((interval + 100)) ] && lags=$((lags + 1)) || lags=0
    case $lags:$pace in
      3:) pace=1; echo "G pace nvidia-smi takes $((took / 100)).$((took % 100 / 10)) s: GPUs are read every $(((took + pause + 99) / 100)) s" ;;
      0:1) pace=; echo "G pace" ;;
    esac
    rest $pause
  done
}
rows_of() { n=0; IFS=$newline; for line in $1; do case $line in GPU-*) n=$((n + 1)) ;; esac; done; unset IFS; echo $n; }

gpus_on_bus() {
  set +f
  n=0
  for one in "$sys"/bus/pci/devices/*; do
    content_of "$one/vendor"
    [ "$v" = 0x10de ] || continue
    content_of "$one/class"
    case $v in 0x03*) n=$((n + 1)) ;; esac
  done
  set -f
  [ -d "$sys/bus/pci/devices" ] && echo "G bus $n"
}
# The first line of a file of /sys, "" where it cannot be read.
content_of() { v=; [ -r "$1" ] && read -r v <"$1"; } 2>/dev/null

read_ports() {
  [ -d "$sys/class/infiniband" ] || return
  echo "B begin"
  set +f
  for port in "$sys"/class/infiniband/*/ports/*; do
    [ -d "$port" ] || continue
    row=${port%/ports/*}; row=${row##*/}/${port##*/}
    for one in state phys_state link_layer rate counters/port_rcv_data counters/port_xmit_data counters/link_downed \
      counters/link_error_recovery counters/symbol_error counters/port_rcv_errors; do
      content_of "$port/$one"; row="$row|$v"
    done
    say "B $row"
  done
  set -f
  echo "B end"
}

# Which mounts are told: the root, block devices but images, network filesystems; each device once.
MOUNTS='{ if ($2 ~ /^\/(snap|proc|sys|var\/lib\/kubelet|var\/snap)\//) next
  net = $3 ~ /^(9p|afs|beegfs|ceph|cifs|davfs|fuse\.(ceph|cephfs|gcsfuse|glusterfs|juicefs|s3fs|sshfs)|glusterfs|gpfs|lustre|nfs|nfs4|ocfs2|orangefs|panfs|pvfs2|smb3|virtiofs|wekafs)$/
  if ($3 == "rootfs" || $3 ~ /^(squashfs|iso9660|erofs|udf)$/ && $2 != "/") next
  if ($2 != "/" && !net && $1 !~ /^\/dev\// && $3 !~ /^(zfs|bcachefs)$/) next
  if ($1 in seen) next
  if ($2 != "/" && $2 ~ /[|"]/ || $2 ~ /\\0(09|1[1-4])/) next
  seen[$1] = 1
  ro = ("," $4 ",") ~ /,ro,/ ? "ro" : "rw"
  gsub(/\\040/, " ", $2); gsub(/[|]/, "?", $1)
  if (++n <= 64) print (net ? "net" : "local") "|" $2 "|" $1 "|" $3 "|" ro }'

# One filesystem: sizes by stat -f, which asks nothing else; df looks at every mount in some versions.
sizes_of() {
  if [ -n "$stat" ]; then sizes=$($1 stat -f -c '%S|%b|%f|%a|%c|%d' "$2" 2>/dev/null </dev/null)
  else sizes=$($1 df -P -k "$2" 2>/dev/null </dev/null | { read -r _; read -r _ b _ a _ && echo "1024|$b|$((b - ${b:-0} + a))|$a|0|0"; })
  fi
}
read_filesystems() {
  echo "F begin"
  list=$($awk "$MOUNTS" </proc/mounts)
  IFS=$newline; set -- $list; unset IFS
  for one in "$@"; do
    row=${one#*"|"}; mount=${row%%"|"*}
    case $one in
      net*)
        say "F < $mount"
        sizes_of "$limit" "$mount"
        say "F > $mount"
        [ -n "$sizes" ] || sizes=silent
        ;;
      *) sizes_of '' "$mount" ;;
    esac
    say "F $row|$sizes"
  done
  echo "F end"
}
read_units() {
  echo "U begin"
  $limit systemctl show --no-pager -p Id,LoadState,ActiveState,SubState,MainPID,NRestarts,StateChangeTimestampMonotonic -- $units 2>/dev/null </dev/null |
    while IFS= read -r line; do say "U $line"; done
  echo "U"
  echo "U end"
}
read_slowly() {
  stat=; stat -f -c '%S|%b' / >/dev/null 2>&1 && stat=1
  # BusyBox' timeout was another until 2018.
  limit=
  if timeout -s KILL 5 true >/dev/null 2>&1; then limit='timeout -s KILL 5'
  elif timeout -t 5 -s KILL true >/dev/null 2>&1; then limit='timeout -t 5 -s KILL'; fi
  while :; do
    gpus_on_bus
    read_filesystems
    if command -v systemctl >/dev/null 2>&1 && [ -d /run/systemd/system ]; then read_units; fi
    # Last: an adapter whose firmware does not answer holds up nothing but the next round.
    read_ports
    rest 1500
  done
}
# Again from the start where it was overtaken: awk knows which records it has seen.
read_log() {
  while :; do
    resting=
    trap 'kill $resting 2>/dev/null; exit' TERM
    cat /dev/kmsg 2>/dev/null </dev/null &
    resting=$!
    wait $resting
    rest 1000
  done
}

# How far the clock is from the time since boot: to the centisecond where date or the shell tells fractions.
tell_clock() {
  wall=${EPOCHREALTIME:-$(date +%s.%N 2>/dev/null)}
  case $wall in
    *[!0-9.]* | *.) ;;
    *.*) echo "I clock $wall"; return ;;
  esac
  # Only whole seconds: wait for the next to begin, two hundred looks at most.
  begun=$(date +%s) n=0
  while [ $n -lt 200 ] && [ "$(date +%s)" = "$begun" ]; do n=$((n + 1)); done
  echo "I clock $(date +%s)"
}
tell_host() {
  read -r v </proc/sys/kernel/hostname && say "I hostname $v"
  read -r v </proc/sys/kernel/osrelease && say "I kernel $v"
  echo "I arch $(uname -m 2>/dev/null)"
  say "I user $(id -un 2>/dev/null || echo "uid $(id -u 2>/dev/null)")"
  of_header probe && say "I probe $v"
  echo "I interval $interval"
  of_header driver_limit_s && hundredths "$v" 500 && echo "I limit $v"
  echo "I named$named"
  if [ -r /etc/os-release ]; then
    while read -r v; do case $v in PRETTY_NAME=*) v=${v#*=}; v=${v#[\"\']}; say "I os ${v%[\"\']}" ;; esac; done </etc/os-release
  fi
  say "I gap python $(why_not_python): reduced signals (sh)"
  lacks='needs python3: the sh fallback does not read it'
  case $h in *'"services":'*) v=${h#*'"services":'}; case $v in '[{'* | ' [{'*) echo "I gap services $lacks" ;; esac ;; esac
  case $h in *'"scripts":'*) v=${h#*'"scripts":'}; case $v in '[{'* | ' [{'*) echo "I gap scripts $lacks" ;; esac ;; esac
  command -v nvidia-smi >/dev/null 2>&1 && echo "I gap nvlink $lacks, nor energy, nor PCIe replays"
  echo "I gap power $lacks"
  echo "I gap blocked_processes $lacks, nor zombies"
}
why_not_python() {
  if command -v python3 >/dev/null 2>&1; then
    v=$(python3 -I -S -c 'import sys, json, zlib, ctypes, select, threading; sys.exit("it is " + sys.version.split()[0])' 2>&1 </dev/null)
    v=${v##*"$newline"}
    say "this host's python3 cannot run the probe ($v)"
  else echo "no python3 (3.6 or newer) on this host"; fi
}

# Everything that was started ends with standard input, or when nobody reads any more.
finish() {
  trap '' TERM PIPE
  kill $resting $watch $gpus $slow $log 2>/dev/null
  # Some shells do not look at a signal while they wait for what a command says.
  [ -n "$fractions" ] && sleep 0.2 || sleep 1
  kill -9 $gpus $slow $log 2>/dev/null
  exit 0
}
watch_stdin() {
  trap 'kill $resting 2>/dev/null; exit' TERM
  cat <&3 >/dev/null 2>&1 &
  resting=$!
  exec 3<&-
  wait $resting
  kill "$me" $gpus $slow $log 2>/dev/null
}
feed() {
  me=$(exec sh -c 'echo $PPID')
  watch= gpus= slow= log= resting=
  trap finish TERM HUP INT PIPE
  tell_clock
  tell_host
  read_gpus 3<&- & gpus=$!
  read_slowly 3<&- & slow=$!
  if [ -c /dev/kmsg ] && (: </dev/kmsg) 2>/dev/null; then read_log 3<&- & log=$!
  else echo "I gap kernel_log /dev/kmsg cannot be read by this user"; fi
  watch_stdin >/dev/null 2>&1 & watch=$!
  exec 3<&-
  echo "I pids $me $gpus $slow"
  while :; do
    uptime_cs
    # Sweeps do not drift: the next is at a whole number of intervals since boot, and this host's phase.
    seconds_of $((((cs - offset) / interval + 1) * interval + offset - cs))
    sleep "$seconds" >/dev/null 2>&1 &
    resting=$!
    wait $resting
    echo T 2>/dev/null || finish
  done
}

exec 3<&0 </dev/null
feed | $awk "$LEPTON_AWK"
exit 0
