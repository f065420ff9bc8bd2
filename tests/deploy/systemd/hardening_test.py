"""What the sandbox of the unit forbids, tried from inside it."""

import re

import service
from service import SOCKET, UNIT

EXPOSURE_MAX = 1.5

# Tries what the gateway never does, in the place of the gateway. The numbers of system calls are
# those of x86-64; perl is the one language of a minimal Debian.
PROBE = r"""
use strict; use warnings; use Socket; use Errno;
sub answer { my ($what, $ok) = @_; print "$what: ", ($ok ? "ALLOWED" : "refused: $!"), "\n"; }
for my $folder (qw(/etc /usr /var /var/tmp /tmp /home /root /dev/shm /boot /srv /run
                   /proc/sys/kernel /sys/fs/cgroup),
                $ENV{STATE_DIRECTORY}, $ENV{RUNTIME_DIRECTORY}) {
  answer("write $folder", open(my $file, ">", "$folder/probe"));
}
for my $flag ([user => 0x10000000], [mount => 0x00020000], [net => 0x40000000]) {
  answer("namespace $flag->[0]", syscall(272, $flag->[1]) == 0);             # unshare
}
answer("write+execute memory", syscall(9, 0, 4096, 7, 0x22, -1, 0) != -1);   # mmap
for my $family ([unix => 1], [inet => 2], [inet6 => 10], [netlink => 16], [packet => 17],
                [bluetooth => 31], [vsock => 40]) {
  answer("family $family->[0]", socket(my $socket, $family->[1], $family->[1] == 17 ? 3 : 1, 0));
}
for my $call ([mount => 165, 0, 0, 0, 0, 0], [reboot => 169, 0, 0, 0, 0], [setuid => 105, 0],
              [chroot => 161, "/"], [bpf => 321, 0, 0, 0], [keyctl => 250, 0, 0, 0, 0, 0],
              [ptrace => 101, 0, 0, 0, 0], [init_module => 175, 0, 0, 0], [swapon => 167, 0, 0],
              [perf_event_open => 298, 0, 0, 0, 0, 0], [settimeofday => 164, 0, 0],
              [sethostname => 170, "x", 1], [setpriority => 141, 0, 0, -5],
              [personality => 135, 8], [io_uring_setup => 425, 1, 0], [userfaultfd => 323, 0]) {
  my ($name, @arguments) = @$call;
  answer("call $name", syscall($arguments[0], @arguments[1 .. $#arguments]) != -1);
}
"""

IN_ITS_PLACE = """
[Service]
Type=oneshot
Restart=no
WatchdogSec=0
ExecStart=
ExecStart=/usr/bin/perl /etc/probe.pl
RemainAfterExit=yes
"""
MAY_WRITE = {"write /var/lib/chatgate", "write /run/chatgate"}
MAY_USE = {"family unix", "family inet", "family inet6"}


class HardeningTest(service.MachineTest):
    def test_the_exposure_is_small(self):
        for unit in (UNIT, "chatgate@x.service"):
            told = self.machine.out("systemd-analyze", "security", "--no-pager", unit)
            exposure = float(re.search(r"exposure level for \S+: ([\d.]+)", told)[1])
            self.assertLessEqual(exposure, EXPOSURE_MAX, told)

    def test_the_sandbox_refuses_what_the_gateway_does_not_need(self):
        self.machine.systemctl("stop", SOCKET, UNIT)
        self.machine.write("/etc/probe.pl", PROBE)
        self.machine.drop_in(UNIT, IN_ITS_PLACE)
        before = self.machine.journal_end()
        self.machine.systemctl("start", UNIT)
        told = [entry["MESSAGE"] for entry in self.machine.journal_after(before, "perl")]
        answers = dict(line.split(": ", 1) for line in told)
        self.assertGreater(len(answers), 35, told)
        allowed = {what for what, answer in answers.items() if answer == "ALLOWED"}
        self.assertEqual(allowed, MAY_WRITE | MAY_USE, "\n".join(told))


if __name__ == "__main__":
    service.main()
