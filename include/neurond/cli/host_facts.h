#ifndef NEUROND_CLI_HOST_FACTS_H
#define NEUROND_CLI_HOST_FACTS_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace neuron {

// What the kernel's text files say, as pure functions of the text: proc(5), os-release(5).

/// The value of `key` in os-release: unquoted, unescaped; empty if it is not there.
std::string os_release_value(std::string_view text, std::string_view key);

/// /proc/loadavg. Averages are kept as the hundredths the kernel prints.
struct LoadFacts {
    uint64_t hundredths[3] = {0, 0, 0};  ///< over 1, 5 and 15 minutes
    uint64_t runnable = 0;               ///< scheduling entities, now
    uint64_t total = 0;
};
std::optional<LoadFacts> parse_loadavg(std::string_view text);

/// The value of a line "Name:   123 kB" of /proc/meminfo, in bytes.
std::optional<uint64_t> meminfo_bytes(std::string_view text, std::string_view name);

/// Whole seconds of /proc/uptime.
std::optional<uint64_t> parse_uptime(std::string_view text);
/// The start of the system in seconds since the epoch, from /proc/stat.
std::optional<uint64_t> parse_boot_time(std::string_view text);

/// One line of /proc/PID/mountinfo.
struct Mount {
    std::string device;  ///< "8:1", major and minor
    std::string mount_point;
    std::string type;
    std::string source;
};
std::vector<Mount> parse_mountinfo(std::string_view text);

/// The mounts worth asking for their size, in order: file systems on a local disk or the
/// overlay a container lives in, each device once (at its shortest mount point), none
/// that is hidden by a later mount on its point, and none below a mount that may hang.
std::vector<Mount> real_file_systems(const std::vector<Mount>& mounts);

/// /proc/PID/stat. The name is between the first "(" and the last ")", because it may
/// hold blanks and parentheses itself.
struct ProcessStat {
    uint64_t pid = 0;
    std::string name;
    char state = '?';
    uint64_t parent = 0;
    uint64_t cpu_ticks = 0;    ///< user and system
    uint64_t start_ticks = 0;  ///< after boot
    uint64_t rss_pages = 0;
};
std::optional<ProcessStat> parse_process_stat(std::string_view text);

/// "sleeping" for 'S'; proc(5).
const char* process_state_name(char state) noexcept;

/// The real user ID of /proc/PID/status.
std::optional<uint64_t> parse_process_uid(std::string_view text);

}  // namespace neuron

#endif
