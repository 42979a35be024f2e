# The fallback: what runs where no Python can run the probe. POSIX sh (dash, bash, mksh, BusyBox) and awk, nothing else
# needed; $LEPTON_AWK is the text of fallback.awk, $h the header that came first on standard input. Written to by
# readers of their own: a nvidia-smi or a filesystem that hangs holds up nothing else, and no second one is started.
# Three processes stay (the ticker, the two readers) beside awk and cat; a sweep forks once, for sleep.
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/bin:/bin:/usr/sbin:/sbin; export PATH
set -f

# The header's values that matter here: numbers and plain words only.
of_header() {
  v=${h#*"\"$1\":"}
  [ "$v" = "$h" ] && return 1
  v=${v# }; v=${v#'"'}; v=${v%%[,\}\"]*}
}
unit_names() {
  u=${h#*'"units":'}
  [ "$u" = "$h" ] && return
  u=${u%%]*}; u=${u#*[}
  IFS=' ,"'
  for one in $u; do
    case $one in
      '' | -* | *[!A-Za-z0-9@_.:-]*) ;;
      *) units="$units $one" ;;
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

# A second is the shortest interval: sleep(1) need not know fractions.
of_header interval_s && interval=${v%%.*}
case $v in *[!0-9.]* | '') interval=1 ;; *.0 | *.) ;; *.*) interval=$((interval + 1)) ;; esac
[ "${interval:-0}" -ge 1 ] 2>/dev/null || interval=1
phase=; of_header phase && case $v in 0.[0-9]*) phase=$v ;; esac
units=; unit_names
for one in nvidia-fabricmanager nvidia-persistenced slurmd kubelet containerd docker; do units="$units $one.service"; done

FAST='uuid index utilization.gpu utilization.memory memory.used memory.reserved temperature.gpu temperature.gpu.tlimit
temperature.memory power.draw enforced.power.limit pstate clocks.sm clocks.mem fan.speed clocks_event_reasons.active
clocks_throttle_reasons.active pcie.link.gen.current pcie.link.width.current ecc.errors.corrected.volatile.total
ecc.errors.uncorrected.volatile.total'
DETAILS='uuid clocks_event_reasons_counters.sw_power_cap clocks_event_reasons_counters.sw_thermal_slowdown
clocks_event_reasons_counters.hw_thermal_slowdown clocks_event_reasons_counters.hw_power_brake_slowdown
ecc.errors.corrected.volatile.sram ecc.errors.corrected.volatile.dram ecc.errors.uncorrected.volatile.sram
ecc.errors.uncorrected.volatile.dram ecc.errors.uncorrected.aggregate.sram ecc.errors.uncorrected.aggregate.dram
ecc.errors.uncorrected.aggregate.sram.thresholdExceeded remapped_rows.correctable remapped_rows.uncorrectable
remapped_rows.pending remapped_rows.failure remapped_rows.histogram.max remapped_rows.histogram.high
remapped_rows.histogram.partial remapped_rows.histogram.low remapped_rows.histogram.none
retired_pages.single_bit_ecc.count retired_pages.double_bit.count retired_pages.pending fabric.state fabric.status
gpu_recovery_action persistence_mode ecc.mode.current ecc.mode.pending mig.mode.current mig.mode.pending'
IDENTITY='uuid index name serial pci.bus_id vbios_version driver_version memory.total enforced.power.limit
clocks.max.sm clocks.max.memory pcie.link.gen.max pcie.link.width.max inforom.checksum_validation'

# centiseconds since boot, without a fork
uptime_cs() { read -r cs _ </proc/uptime; cs=${cs%.*}${cs#*.}; }

# Run nvidia-smi, one at a time; its process number is told before it starts, so that it can be killed at the end.
call() {
  kind=$1; shift
  echo "G < $kind"
  out=$(exec sh -c 'echo "G P $$" >&4; exec "$@" 4>&-' sh nvidia-smi "$@" 2>&1 </dev/null)
  status=$?
}
tell() {
  IFS='
'
  for line in $out; do echo "G = $line"; done
  unset IFS
  echo "G > $status"
}
# $kind's fields that this driver knows, of those given: one unknown field fails the whole query.
known_fields() {
  list=
  for one in $2; do
    case $one in clocks_throttle_reasons.*) case $list in *clocks_event_reasons.active*) continue ;; esac ;; esac
    case $help in *"\"$one\""*) list=$list${list:+,}$one ;; esac
  done
  echo "G fields $1 $list"
}
query() { call "$1" "--query-gpu=$2" --format=csv,noheader,nounits; tell; }
read_gpus() {
  command -v nvidia-smi >/dev/null 2>&1 || { echo "G none no nvidia-smi on this host"; return; }
  help=
  while :; do
    uptime_cs; start=$cs
    case $help in
      *'"uuid"'*) ;;
      *)
        call h --help-query-gpu; echo "G > $status"; help=$out
        known_fields i "$IDENTITY"; identity=$list
        known_fields f "$FAST"; fast=$list
        known_fields d "$DETAILS"; details=$list
        identity_due=0 details_due=0 uses_due=0
        ;;
    esac
    if [ "$start" -ge "$identity_due" ]; then query i "$identity"; [ $status -eq 0 ] && identity_due=$((start + 60000)) || identity_due=$((start + 1000)); fi
    query f "$fast"
    was=$out
    if [ "$start" -ge "$details_due" ]; then query d "$details"; details_due=$((start + 990)); fi
    if [ "$start" -ge "$uses_due" ]; then
      call p --query-compute-apps=gpu_uuid,pid,used_memory,process_name --format=csv,noheader,nounits; tell
      uses_due=$((start + 490))
    fi
    # GPUs that came or went are asked who they are; a driver that is gone may come back as another.
    rows=$(count_lines "$was")
    [ "$rows" = "${rows_before:-$rows}" ] || { identity_due=0; [ "$rows" = 0 ] || help=; }
    rows_before=$rows
    uptime_cs
    # nvidia-smi may take a fifth of the time at most: without persistence mode it wakes the driver at each call.
    pause=$(((cs - start) * 4 / 100))
    [ "$pause" -ge "$interval" ] || pause=$interval
    [ "$pause" -le 10 ] || pause=10
    sleep "$pause"
  done
}
count_lines() { n=0; IFS='
'; for line in $1; do case $line in GPU-*) n=$((n + 1)) ;; esac; done; unset IFS; echo $n; }

gpus_on_bus() {
  set +f
  n=0
  for one in /sys/bus/pci/devices/*; do
    [ -r "$one/vendor" ] && read -r v <"$one/vendor" && [ "$v" = 0x10de ] && read -r v <"$one/class" || continue
    case $v in 0x03*) n=$((n + 1)) ;; esac
  done
  set -f
  [ -d /sys/bus/pci/devices ] && echo "G bus $n"
}

# Which mounts are told: the root, block devices but images, network filesystems; each device once.
MOUNTS='{ if ($2 ~ /^\/(snap|proc|sys|var\/lib\/kubelet|var\/snap)\//) next
  net = $3 ~ /^(9p|afs|beegfs|ceph|cifs|davfs|fuse\.(ceph|cephfs|gcsfuse|glusterfs|juicefs|s3fs|sshfs)|glusterfs|gpfs|lustre|nfs|nfs4|ocfs2|orangefs|panfs|pvfs2|smb3|virtiofs|wekafs)$/
  if ($3 == "rootfs" || $3 ~ /^(squashfs|iso9660|erofs|udf)$/ && $2 != "/") next
  if ($2 != "/" && !net && $1 !~ /^\/dev\// && $3 !~ /^(zfs|bcachefs)$/) next
  if ($1 in seen) next
  if ($2 != "/") { if ($2 ~ /[|"\\]/ && $2 !~ /^[^|"\\]*(\\040[^|"\\]*)*$/) next; seen[$1] = 1 } else seen[$1] = 1
  ro = ("," $4 ",") ~ /,ro,/ ? "ro" : "rw"
  gsub(/\\040/, " ", $2); gsub(/[|]/, "?", $1)
  if (++n <= 64) print (net ? "net" : "local") "|" $2 "|" $1 "|" $3 "|" ro }'

# One filesystem: sizes by stat -f, which asks nothing else; df looks at every mount in some versions.
one_filesystem() {
  if [ -n "$stat" ]; then sizes=$($1 stat -f -c '%S|%b|%f|%a|%c|%d' "$2" 2>/dev/null </dev/null)
  else sizes=$($1 df -P -k "$2" 2>/dev/null </dev/null | { read -r _; read -r _ b _ a _ && echo "1024|$b|$((b - ${b:-0} + a))|$a|0|0"; })
  fi
}
read_slowly() {
  stat=; stat -f -c '%S|%b' / >/dev/null 2>&1 && stat=1
  limit=
  if timeout -s KILL 5 true >/dev/null 2>&1; then limit='timeout -s KILL 5'
  elif timeout -t 5 -s KILL true >/dev/null 2>&1; then limit='timeout -t 5 -s KILL'; fi
  while :; do
    gpus_on_bus
    echo "F begin"
    list=$($awk "$MOUNTS" </proc/mounts)
    IFS='
'
    set -- $list
    unset IFS
    for one in "$@"; do
      rest=${one#*|}; mount=${rest%%|*}
      case $one in
        net*) echo "F < $mount"; one_filesystem "$limit" "$mount" ;;
        *) one_filesystem '' "$mount" ;;
      esac
      case $one in net*) echo "F > $mount"; [ -n "$sizes" ] || sizes=silent ;; esac
      echo "F $rest|$sizes"
    done
    echo "F end"
    if command -v systemctl >/dev/null 2>&1 && [ -d /run/systemd/system ]; then
      echo "U begin"
      $limit systemctl show -p Id,LoadState,ActiveState,SubState,MainPID,NRestarts $units 2>/dev/null </dev/null |
        while read -r line; do echo "U $line"; done
      echo "U"
      echo "U end"
    fi
    sleep 15
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
  read -r v </proc/sys/kernel/hostname && echo "I hostname $v"
  read -r v </proc/sys/kernel/osrelease && echo "I kernel $v"
  echo "I arch $(uname -m 2>/dev/null)"
  echo "I user $(id -un 2>/dev/null)"
  of_header probe && echo "I probe $v"
  echo "I interval $interval"
  if [ -r /etc/os-release ]; then
    while read -r v; do case $v in PRETTY_NAME=*) v=${v#*=}; v=${v#'"'}; echo "I os ${v%'"'}" ;; esac; done </etc/os-release
  fi
  echo "I gap python $(why_not_python)"
  case $h in *'"services":'*'[{'*) echo "I gap services are not read by the sh fallback: it needs python3" ;; esac
  case $h in *'"scripts":'*'[{'*) echo "I gap scripts are not run by the sh fallback: it needs python3" ;; esac
}
why_not_python() {
  if command -v python3 >/dev/null 2>&1; then
    v=$(python3 -I -S -c 'import sys, json, zlib, ctypes, select, threading; sys.exit("it is " + sys.version.split()[0])' 2>&1 </dev/null)
    v=${v##*'
'}
    echo "this host's python3 cannot run the probe ($v): reduced signals (sh)"
  else echo "no python3 (3.6 or newer) on this host: reduced signals (sh)"; fi
}

# Everything that was started ends with standard input, or when nobody reads any more.
finish() {
  trap '' TERM PIPE
  kill $sleeping $watch $gpus $slow $log 2>/dev/null
  exit 0
}
feed() {
  me=$(exec sh -c 'echo $PPID')
  watch= gpus= slow= log= sleeping=
  trap finish TERM HUP INT PIPE
  { trap 'kill $c 2>/dev/null; exit' TERM; cat <&3 >/dev/null 4>&- & c=$!; wait $c; kill "$me"; } 2>/dev/null &
  watch=$!
  exec 3<&- 4>&1
  tell_clock
  tell_host
  read_gpus </dev/null & gpus=$!
  read_slowly </dev/null & slow=$!
  if (: </dev/kmsg) 2>/dev/null && [ -c /dev/kmsg ]; then cat /dev/kmsg 2>/dev/null </dev/null & log=$!
  else echo "I gap kernel_log /dev/kmsg cannot be read by this user"; fi
  echo "I pids $me $gpus $slow"
  [ -n "$phase" ] && sleep "$phase" 2>/dev/null
  while :; do
    echo T 2>/dev/null || finish
    sleep "$interval" & sleeping=$!
    wait $sleeping
  done
}

exec 3<&0 </dev/null
feed | $awk "$LEPTON_AWK"
exit 0
