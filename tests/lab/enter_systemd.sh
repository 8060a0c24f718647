#!/bin/sh
# Becomes PID 1 of a lab host that systemd starts: enter_systemd.sh DIRECTORY ROOT HOSTNAME CACHE HIERARCHY...
#
# Runs in new namespaces, also of control groups: what systemd sees as the top of each hierarchy is
# the host's own group.  Devices are those that a container has.
set -eu
dir=$1 lower=$2 cache=$4
hostname "$3"
shift 4
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
cd "$dir/root"
mkdir -p var/lib/docker oldroot "./$cache"
mount --bind "$dir/docker" var/lib/docker
mount --rbind "$cache" "./$cache"
mount -t proc proc proc
mount -t sysfs sysfs sys
case " $* " in
*" . "*) mount -t cgroup2 cgroup2 sys/fs/cgroup ;;
*)
    mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
    for hierarchy; do
        mkdir "sys/fs/cgroup/$hierarchy"
        case "$hierarchy" in
        unified) mount -t cgroup2 cgroup2 sys/fs/cgroup/unified ;;
        systemd) mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd ;;
        *) mount -t cgroup -o "$hierarchy" cgroup "sys/fs/cgroup/$hierarchy" ;;
        esac
    done
    ;;
esac
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
    touch "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
if [ -c /dev/net/tun ]; then
    mkdir dev/net
    touch dev/net/tun
    mount --bind /dev/net/tun dev/net/tun
fi
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
pivot_root . oldroot
umount -l /oldroot
cd /
touch /run/entered
exec env container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd \
    --log-target=console --show-status=no
