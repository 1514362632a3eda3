#include "neurond/cli/host_facts.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace neuron;

TEST_CASE("os-release values come unquoted and unescaped") {
    const char* text =
        "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"
        "NAME='It''s'\nID=debian\nVERSION_ID=\"12\"\r\nEMPTY=\n"
        "ODD=\"a \\\"b\\\" \\$c\"\nXID=other\n";
    CHECK(os_release_value(text, "PRETTY_NAME") == "Debian GNU/Linux 12 (bookworm)");
    CHECK(os_release_value(text, "ID") == "debian");
    CHECK(os_release_value(text, "VERSION_ID") == "12");
    CHECK(os_release_value(text, "EMPTY").empty());
    CHECK(os_release_value(text, "ODD") == "a \"b\" $c");
    CHECK(os_release_value(text, "MISSING").empty());
    CHECK(os_release_value("", "ID").empty());
    CHECK(os_release_value("ID=\"", "ID") == "\"");  // half a quotation stays
}

TEST_CASE("loadavg is kept in hundredths") {
    const auto load = parse_loadavg("0.52 10.05 3.00 2/1234 56789\n");
    REQUIRE(load.has_value());
    CHECK(load->hundredths[0] == 52);
    CHECK(load->hundredths[1] == 1005);
    CHECK(load->hundredths[2] == 300);
    CHECK(load->runnable == 2);
    CHECK(load->total == 1234);
    for (const char* bad : {"", "0.52", "0.52 0.1 0.00 1/2 3", "a b c d e",
                            "0.52 0.10 0.00 12 3", "-0.52 0.10 0.00 1/2 3"}) {
        CHECK_FALSE(parse_loadavg(bad).has_value());
    }
}

TEST_CASE("meminfo counts in kB and is told in bytes") {
    const char* text =
        "MemTotal:       16315480 kB\nMemFree:          123 kB\n"
        "HugePages_Total:       0\nSwapTotal:             0 kB\n";
    CHECK(meminfo_bytes(text, "MemTotal") == 16315480ULL * 1024);
    CHECK(meminfo_bytes(text, "MemFree") == 123ULL * 1024);
    CHECK(meminfo_bytes(text, "SwapTotal") == 0ULL);
    CHECK_FALSE(meminfo_bytes(text, "HugePages_Total").has_value());  // no unit
    CHECK_FALSE(meminfo_bytes(text, "Mem").has_value());
    CHECK_FALSE(
        meminfo_bytes("MemTotal: 99999999999999999 kB\n", "MemTotal").has_value());
}

TEST_CASE("uptime and boot time are whole seconds") {
    CHECK(parse_uptime("12345.67 54321.00\n") == 12345ULL);
    CHECK_FALSE(parse_uptime("").has_value());
    CHECK(parse_boot_time("cpu  1 2\nbtime 1760000000\nprocesses 5\n") ==
          1760000000ULL);
    CHECK_FALSE(parse_boot_time("cpu 1 2\n").has_value());
}

namespace {

const char* const kMounts =
    "22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
    "28 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
    "29 28 8:2 / /home rw shared:2 master:3 - xfs /dev/sda2 rw\n"
    "30 28 8:2 /sub /srv/a\\040b rw - xfs /dev/sda2 rw\n"
    "31 28 0:40 / /mnt/nfs rw - nfs4 host:/export rw\n"
    "32 31 8:3 / /mnt/nfs/disk rw - ext4 /dev/sdb1 rw\n"
    "33 28 0:41 / /boot/efi rw - autofs systemd-1 rw\n"
    "34 33 8:4 / /boot/efi rw - vfat /dev/sda4 rw\n"
    "35 28 8:5 / /old rw - ext4 /dev/sdc1 rw\n"
    "36 35 8:6 / /old rw - ext4 /dev/sdd1 rw\n"
    "37 28 0:42 / /run rw - tmpfs tmpfs rw\n"
    "38 28 0:43 / /sshfs rw - fuse.sshfs me@host: rw\n"
    "39 28 8:7 / /mnt/nfsx rw - btrfs /dev/sde rw\n"
    "garbage\n"
    "40 28 8:8 / /cut rw shared:1\n";

}  // namespace

TEST_CASE("mountinfo is read with its optional fields and escapes") {
    const std::vector<Mount> mounts = parse_mountinfo(kMounts);
    REQUIRE(mounts.size() == 13);  // without the garbage and the line cut short
    CHECK(mounts[0].type == "sysfs");
    CHECK(mounts[2].device == "8:2");
    CHECK(mounts[2].source == "/dev/sda2");
    CHECK(mounts[3].mount_point == "/srv/a b");
}

TEST_CASE("only local file systems that can be reached are asked for their size") {
    std::vector<std::string> points;
    for (const Mount& mount : real_file_systems(parse_mountinfo(kMounts))) {
        points.push_back(mount.mount_point + " " + mount.source);
    }
    CHECK(points == std::vector<std::string>{
                        "/ /dev/sda1",
                        "/home /dev/sda2",      // the shorter of its two mount points
                        "/boot/efi /dev/sda4",  // over an automount point
                        "/old /dev/sdd1",       // hides what was mounted there before
                        "/mnt/nfsx /dev/sde",   // beside the NFS mount, not below it
                    });
}

TEST_CASE("a process's name may hold blanks and parentheses") {
    const std::string rest =
        " S 1 42 42 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 1 0 7777 123456 321 0 0\n";
    for (const char* name :
         {"bash", "Web Content", "a) b (c", "(sd-pam)", "", ")", "("}) {
        CAPTURE(std::string(name));
        const auto stat = parse_process_stat("42 (" + std::string(name) + ")" + rest);
        REQUIRE(stat.has_value());
        CHECK(stat->pid == 42);
        CHECK(stat->name == name);
        CHECK(stat->state == 'S');
        CHECK(stat->parent == 1);
        CHECK(stat->cpu_ticks == 200);
        CHECK(stat->start_ticks == 7777);
        CHECK(stat->rss_pages == 321);
    }
}

TEST_CASE("half a stat line is none") {
    const std::string whole =
        "42 (cat) S 1 42 42 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 1 0 7777 123456 321";
    CHECK(parse_process_stat(whole).has_value());
    // Up to the last byte in front of the last field.
    for (size_t length = 0; length + 3 < whole.size(); ++length) {
        const std::vector<char> exact(whole.begin(),
                                      whole.begin() + static_cast<ptrdiff_t>(length));
        CHECK_FALSE(parse_process_stat({exact.data(), exact.size()}).has_value());
    }
    CHECK_FALSE(parse_process_stat("42 )cat( S 1").has_value());
}

TEST_CASE("the user is the real one") {
    CHECK(parse_process_uid("Name:\tcat\nUid:\t1000\t0\t0\t0\nGid:\t5\t5\n") ==
          1000ULL);
    CHECK_FALSE(parse_process_uid("Name:\tcat\n").has_value());
}
