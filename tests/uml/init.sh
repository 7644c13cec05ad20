#!/bin/bash
# First process of the guest: the host's files, a private /tmp, /run and /var/lib/bluetooth, a radio on the first serial
# line; then the job that the kernel's command line names (SENSORD_JOB, a shell script), and its exit code beside it.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
for folder in /tmp /run /var/lib/bluetooth; do mount -t tmpfs tmpfs "$folder"; done
ln -s /proc/self/fd /dev/fd 2>/dev/null
ip link set lo up
btattach -B /dev/ttyS0 -P h4 >/run/btattach.log 2>&1 &
echo "--- guest"
bash "$SENSORD_JOB" </dev/null
echo $? >"$SENSORD_JOB.rc"
echo "--- end of guest"
sync
# power off: reboot(2), LINUX_REBOOT_CMD_POWER_OFF
"$SENSORD_PYTHON" -c 'import ctypes; ctypes.CDLL(None).reboot(0x4321FEDC)'
