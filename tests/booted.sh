# Debian machines for tests: each is systemd-nspawn's, boots systemd, and has a copy of one small system as its disk.
# Sourced by tests/packages and tests/machine.

mkdir -p "${CARGO_TARGET_DIR:-target}"
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
base=$target/debian

# The system that all start from, of the release that this machine has and from where its apt gets that.
make_base() {
  local codename mirror include=systemd,systemd-sysv,dbus,procps,curl
  # shellcheck disable=SC1091 # it is every Debian's
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  [ "$(cat "$base/made" 2>/dev/null)" != "$codename $include" ] || return 0
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $codename" | head -n 1)
  rm -rf "$base"
  debootstrap --variant=minbase --include="$include" "$codename" "$base/root" "$mirror" \
    >"$base.log" 2>&1 || { tail -n 20 "$base.log" >&2; return 1; }
  # No list of packages: what a test installs it brings along.
  rm -rf "$base"/root/var/lib/apt/lists/*
  echo "$codename $include" >"$base/made"
}

# Goes on in namespaces of its own: no network but the loopback, mounts that nobody else sees, and no process that
# outlives this one.
apart() {
  [ -z "${STAPEL_APART:-}" ] || { unset STAPEL_APART; ip link set lo up; mount -t tmpfs tmpfs "$disks"; return; }
  export STAPEL_APART=yes
  mkdir -p "$disks"
  exec unshare --mount --net --pid --fork --kill-child --mount-proc "$0" "$@"
}
disks=$target/disks

# disk NAME: what is put there is written in memory, and gone at the end.
disk() {
  mkdir -p "$disks/$1/"{new,work,root}
  mount -t overlay overlay -o "lowerdir=$base/root,upperdir=$disks/$1/new,workdir=$disks/$1/work" "$disks/$1/root"
}

# in_cgroup NAME COMMAND...: in a control group of its own: a machine's systemd ends what it finds in its group.
in_cgroup() {
  local name=$1 top
  shift
  for top in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
    [ ! -e "$top/cgroup.procs" ] || { mkdir -p "$top/$name" && echo "$BASHPID" >"$top/$name/cgroup.procs"; }
  done
  exec "$@"
}

declare -A init
# boot NAME [NSPAWN OPTION...]: starts the machine of that disk, in the network that there is, and waits until its
# services run.
boot() {
  local name=$1 nspawn
  shift
  in_cgroup "stapel-$name" systemd-nspawn --quiet --boot --directory="$disks/$name/root" --machine="$name" --register=no --keep-unit \
    --resolv-conf=off --timezone=off "$@" </dev/null >"$disks/$name/console" 2>&1 &
  nspawn=$!
  for _ in $(seq 300); do
    init[$name]=$(pgrep --parent "$nspawn" || :)
    # It says `degraded` where a unit has no place in a container.
    [ -n "${init[$name]}" ] && on "$name" timeout 10 systemctl is-system-running 2>/dev/null | grep -Eq 'running|degraded' &&
      return
    kill -0 "$nspawn" 2>/dev/null || break
    sleep 0.1
  done
  echo "the machine $name does not start" >&2
  tail -n 30 "$disks/$name/console" >&2
  return 1
}

# on NAME COMMAND...: runs it on that machine as root. Standard input goes with it.
on() {
  local name=$1
  shift
  nsenter --target "${init[$name]}" --mount --uts --ipc --pid --root env --chdir=/root -i HOME=/root LC_ALL=C.UTF-8 \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"
}
