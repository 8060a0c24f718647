#!/bin/sh
# Becomes PID 1 of a lab host: enter.sh DIRECTORY ROOT HOSTNAME CACHE
#
# Runs in new namespaces.  Lays the host's own layer over the shared root, puts
# the data root on the real disk (overlay cannot lie on overlay), makes this its
# /, and then only reaps what is orphaned: dockerd may be killed and started
# again under running containers.
set -eu
dir=$1 lower=$2 cache=$4
hostname "$3"
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
cd "$dir/root"
mkdir -p var/lib/docker oldroot "./$cache"
mount --bind "$dir/docker" var/lib/docker
mount --rbind "$cache" "./$cache"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mkdir -p run/docker/plugins
mount --bind "$dir/plugins" run/docker/plugins
pivot_root . oldroot
umount -l /oldroot
cd /
touch /run/entered
while :; do
    sleep 2147483647 &
    wait
done
