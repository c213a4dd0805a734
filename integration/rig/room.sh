#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# room.sh ARCHIVE BOOT: unpacks a system and is its first process, or has systemd be
# it. It runs in namespaces of its own, with which all that is mounted here goes.
set -euo pipefail

root=/mnt # nobody else sees it
mount -t tmpfs -o mode=755 room "$root"
tar -C "$root" --numeric-owner -xpf "$1"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 room "$root/dev"
for device in null zero full random urandom tty fuse; do
	: >"$root/dev/$device"
	mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s pts/ptmx "$root/dev/ptmx"
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t devpts -o newinstance,ptmxmode=666 room "$root/dev/pts"
mount -t tmpfs -o mode=755 room "$root/run"
mount -t tmpfs -o mode=1777 room "$root/tmp"

if [ "$2" = true ]; then
	# What belongs to the whole machine can only be read, but for how mounts read ahead.
	mount --bind "$root/proc/sys" "$root/proc/sys"
	mount -o remount,bind,ro "$root/proc/sys"
	mount -t sysfs sysfs "$root/sys"
	mount --bind "$root/sys/devices/virtual/bdi" "$root/sys/devices/virtual/bdi"
	mount -o remount,bind,ro "$root/sys"
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
	# As systemd makes it where it starts a machine: mounts of services are seen by all.
	mount --make-rshared "$root"
	exec setpriv --bounding-set=-sys_time,-sys_module,-sys_rawio,-sys_boot,-audit_control,-audit_read -- \
		env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=room \
		chroot "$root" /lib/systemd/systemd --log-target=journal --show-status=false
fi
echo ready
# Until whoever has opened the room is gone or wants no more of it:
read -r _ || true # a shell also sees to the processes that have lost their parents
