#!/bin/bash
# lab.sh: real Linux hosts on one machine, for testing what crosses SSH.
# Each host is a systemd-nspawn container with its own systemd, journald, sshd, address and boot id, on a bridge of
# its own; nothing is simulated but the hardware. Three hosts are up in about two seconds, once the base exists.
#
#   lab.sh base            build the base root (debootstrap, about 40 s, once)
#   lab.sh up N            start h1..hN at 10.77.0.11, .12, …
#   lab.sh ssh hI CMD…     run a command on a host
#   lab.sh cut hI          pull the network cable;   lab.sh mend hI   put it back
#   lab.sh off hI          pull the power;           lab.sh on hI     switch it on again
#   lab.sh down            stop all and remove every trace but the base
#
# Needs root and: apt-get install systemd-container debootstrap dbus iproute2 openssh-client
# LAB (default /var/tmp/leptontui-lab) is where it lives. The key for root on every host is $LAB/key.
set -eu
LAB=${LAB:-/var/tmp/leptontui-lab} NET=10.77.0 BR=leptonbr0
BASE=$LAB/base CGROUPS=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
CGROUPS=${CGROUPS:-$LAB/cgroups}
PACKAGES=systemd,systemd-sysv,dbus,openssh-server,python3,procps,iproute2,sudo

ip_of() { echo "$NET.$((10 + ${1#h}))"; }
say() { echo "lab: $*" >&2; }

base() {
  mkdir -p "$LAB"
  [ "$(cat "$BASE/.ready" 2>/dev/null)" = "$PACKAGES" ] && return
  say "building the base root in $BASE"
  rm -rf "$BASE"
  debootstrap --variant=minbase --include=$PACKAGES bookworm "$BASE" >"$LAB/debootstrap.log" 2>&1 ||
    { say "debootstrap failed; see $LAB/debootstrap.log"; tail -3 "$LAB/debootstrap.log" >&2; exit 1; }
  echo "$PACKAGES" >"$BASE/.ready"
}

# A guest that reboots makes nspawn exit with 133: start it again, as a machine would. Each has a control group of its
# own: units of the same name would share one.
power_on() {
  local h=$1 d=$LAB/$1
  setsid bash -c '
    mkdir -p "$3" 2>/dev/null && echo $$ >"$3/cgroup.procs"
    while :; do
      SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn -q -D "$1/root" -M "$2" --register=no --keep-unit \
        --network-namespace-path=/run/netns/lab-$2 --resolv-conf=off --timezone=off -b </dev/null >>"$1/console.log" 2>&1
      [ $? = 133 ] || break
    done' lab-power "$d" "$h" "$CGROUPS/lab-$h" </dev/null >/dev/null 2>&1 &
  echo $! >"$d/pid"
}

# The guest outlives its nspawn: its first process has to be killed as well, and with it goes all of it. What an earlier
# one left behind, in a lab that was killed, goes with its control group: it would be taken for a unit's own processes.
power_off() {
  local d=$LAB/$1 group guests
  if [ -w "$CGROUPS/lab-$1/cgroup.kill" ]; then echo 1 >"$CGROUPS/lab-$1/cgroup.kill"; fi
  [ -f "$d/pid" ] || return 0
  group=$(cat "$d/pid")
  guests=$(pgrep -g "$group" -x systemd-nspawn | xargs -rn1 pgrep -P) || true
  # shellcheck disable=SC2086
  kill -KILL -- "-$group" $guests 2>/dev/null || true
  rm -f "$d/pid"
}

# Two guests on one root would both be h3, and only one of them would ever be switched off.
is_on() { [ -f "$LAB/$1/pid" ] && kill -0 -- "-$(cat "$LAB/$1/pid")" 2>/dev/null; }

make_host() {
  local h=$1 d=$LAB/$1
  mkdir -p "$d/up" "$d/work" "$d/root"
  mountpoint -q "$d/root" ||
    mount -t overlay overlay -o "lowerdir=$BASE,upperdir=$d/up,workdir=$d/work" "$d/root"
  mkdir -p "$d/root/root/.ssh"
  chmod 700 "$d/root/root/.ssh"
  cp "$LAB/key.pub" "$d/root/root/.ssh/authorized_keys"
  echo "$h" >"$d/root/etc/hostname"
  printf '127.0.0.1 localhost\n%s %s\n' "$(ip_of "$h")" "$h" >"$d/root/etc/hosts"
  : >"$d/root/etc/machine-id"
  [ -f "$d/root/etc/ssh/.own" ] || {
    rm -f "$d"/root/etc/ssh/ssh_host_*; chroot "$d/root" ssh-keygen -A >/dev/null; touch "$d/root/etc/ssh/.own"; }
  chroot "$d/root" systemctl enable ssh >/dev/null 2>&1
  ip netns add "lab-$h"
  ip link add "lab-$h" type veth peer name eth0 netns "lab-$h"
  ip link set "lab-$h" master $BR up
  ip -n "lab-$h" addr add "$(ip_of "$h")/24" dev eth0
  ip -n "lab-$h" link set eth0 up
  ip -n "lab-$h" link set lo up
  ip -n "lab-$h" route add default via $NET.1
}

on_host() {
  local h=$1; shift
  ssh -i "$LAB/key" -o UserKnownHostsFile="$LAB/known_hosts" -o StrictHostKeyChecking=yes -o LogLevel=ERROR \
    -o ConnectTimeout=2 "root@$(ip_of "$h")" "$@"
}

# Every systemd takes about ten inotify instances of root's, and 128 are all there are.
make_room() {
  [ "$(cat /proc/sys/fs/inotify/max_user_instances)" -ge 1024 ] || echo 1024 >/proc/sys/fs/inotify/max_user_instances
}

up() {
  base
  make_room
  [ -f "$LAB/key" ] || ssh-keygen -q -t ed25519 -N '' -f "$LAB/key"
  ip link show $BR >/dev/null 2>&1 || { ip link add $BR type bridge; ip addr add $NET.1/24 dev $BR; ip link set $BR up; }
  for i in $(seq 1 "$1"); do
    [ -e "/run/netns/lab-h$i" ] || make_host "h$i"
    [ -f "$LAB/h$i/pid" ] || power_on "h$i"
  done
  : >"$LAB/known_hosts"
  for i in $(seq 1 "$1"); do
    for key in "$LAB/h$i"/root/etc/ssh/ssh_host_*_key.pub; do
      echo "$(ip_of "h$i") $(cut -d' ' -f1,2 "$key")" >>"$LAB/known_hosts"
    done
  done
  for i in $(seq 1 "$1"); do
    for _ in $(seq 100); do on_host "h$i" true 2>/dev/null && break; sleep 0.2; done
    on_host "h$i" true || { say "h$i did not come up; see $LAB/h$i/console.log"; exit 1; }
  done
}

down() {
  for d in "$LAB"/h*; do
    [ -d "$d" ] || continue
    h=${d##*/}
    power_off "$h"
    umount -l "$d/root" 2>/dev/null || true
    ip netns del "lab-$h" 2>/dev/null || true
    ip link del "lab-$h" 2>/dev/null || true
    rm -rf "$d"
    for _ in $(seq 20); do
      find "$CGROUPS/lab-$h" -depth -type d -exec rmdir {} + 2>/dev/null || true
      [ -d "$CGROUPS/lab-$h" ] || break
      sleep 0.1
    done
  done
  ip link del $BR 2>/dev/null || true
  rm -f "$LAB/known_hosts"
}

case ${1:-} in
base) base ;;
up) up "${2:?how many}" ;;
ssh) shift; on_host "$@" ;;
cut) ip link set "lab-${2:?host}" down ;;
mend) ip link set "lab-${2:?host}" up ;;
off) power_off "${2:?host}" ;;
on) is_on "${2:?host}" || power_on "$2" ;;
down) down ;;
*) sed -n '2,16s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
