// system.info, system.load, system.memory and system.disks: the machine's own numbers,
// read anew at every call. A fact the kernel does not tell is left out, not invented.

#include "neurond/cli/host_tools.h"

#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <optional>

#include "neurond/base/atomic_file.h"
#include "neurond/base/clock.h"
#include "neurond/base/limits.h"
#include "neurond/cli/host_facts.h"
#include "neurond/wire/json_string.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

/// These tools take no arguments; the error names the first one given.
Status take_no_arguments(JsonView arguments) {
    for (const JsonPair& member : arguments.members()) {
        return Error{"unknown argument " + json_quote(json_unquote(member.key.raw())) +
                     ": this tool takes none"};
    }
    return Ok{};
}

uint64_t cpu_count() {
    const long count = ::sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? static_cast<uint64_t>(count) : 1;
}

/// The text of a file below `root`, or nothing: a fact then goes missing.
std::string text_of(const std::string& path) {
    Result<std::string> text = read_file(path, kMaxProcFileBytes);
    return text ? *std::move(text) : std::string();
}

void add_text(JsonWriter& w, std::string_view key, std::string_view value) {
    if (!value.empty()) {
        w.key(key).string(value);
    }
}

void add_number(JsonWriter& w, std::string_view key, std::optional<uint64_t> value) {
    if (value) {
        w.key(key).unsigned_integer(*value);
    }
}

void add_operating_system(JsonWriter& w, const std::string& root) {
    std::string text = text_of(root + "/etc/os-release");
    if (text.empty()) {
        text = text_of(root + "/usr/lib/os-release");
    }
    add_text(w, "os", os_release_value(text, "PRETTY_NAME"));
    add_text(w, "os_id", os_release_value(text, "ID"));
    add_text(w, "os_version", os_release_value(text, "VERSION_ID"));
}

/// 152 as 1.52: digits of the kernel's own, never a rounded double.
void add_hundredths(JsonWriter& w, std::string_view key, uint64_t value) {
    const uint64_t fraction = value % 100;
    w.key(key).raw(std::to_string(value / 100) + (fraction < 10 ? ".0" : ".") +
                   std::to_string(fraction));
}

void add_disk(JsonWriter& w, const Mount& mount, const std::string& root) {
    struct statvfs about;
    if (::statvfs((root + mount.mount_point).c_str(), &about) != 0) {
        return;  // no permission, or unmounted this moment
    }
    const uint64_t block = about.f_frsize;
    w.begin_object();
    w.key("source").string(mount.source);
    w.key("mount_point").string(mount.mount_point);
    w.key("type").string(mount.type);
    w.key("size_bytes").unsigned_integer(about.f_blocks * block);
    w.key("used_bytes").unsigned_integer((about.f_blocks - about.f_bfree) * block);
    w.key("available_bytes").unsigned_integer(about.f_bavail * block);
    w.key("inodes").unsigned_integer(about.f_files);
    w.key("inodes_free").unsigned_integer(about.f_ffree);
    w.end_object();
}

}  // namespace

Result<std::string> call_system_info(JsonView arguments, const std::string& root) {
    if (Status s = take_no_arguments(arguments); !s) {
        return s.error();
    }
    utsname names;
    if (::uname(&names) != 0) {
        return sys_error("ask", "the kernel for its name");
    }
    JsonWriter w;
    w.begin_object();
    w.key("hostname").string(names.nodename);
    w.key("kernel").string(names.release);
    w.key("architecture").string(names.machine);
    add_operating_system(w, root);
    add_number(w, "uptime_seconds", parse_uptime(text_of(root + "/proc/uptime")));
    if (const auto boot = parse_boot_time(text_of(root + "/proc/stat"))) {
        w.key("boot_time").string(to_rfc3339(WallTime(std::chrono::seconds(*boot))));
    }
    w.key("cpus").unsigned_integer(cpu_count());
    w.end_object();
    return w.take();
}

Result<std::string> call_system_load(JsonView arguments, const std::string& root) {
    if (Status s = take_no_arguments(arguments); !s) {
        return s.error();
    }
    const std::string path = root + "/proc/loadavg";
    Result<std::string> text = read_file(path, kMaxProcFileBytes);
    if (!text) {
        return text.error();
    }
    const auto facts = parse_loadavg(*text);
    if (!facts) {
        return Error{"read " + path + ": not in the form proc(5) describes"};
    }
    JsonWriter w;
    w.begin_object();
    add_hundredths(w, "load_1m", facts->hundredths[0]);
    add_hundredths(w, "load_5m", facts->hundredths[1]);
    add_hundredths(w, "load_15m", facts->hundredths[2]);
    w.key("runnable_tasks").unsigned_integer(facts->runnable);
    w.key("total_tasks").unsigned_integer(facts->total);
    w.key("cpus").unsigned_integer(cpu_count());
    w.end_object();
    return w.take();
}

Result<std::string> call_system_memory(JsonView arguments, const std::string& root) {
    if (Status s = take_no_arguments(arguments); !s) {
        return s.error();
    }
    const std::string path = root + "/proc/meminfo";
    Result<std::string> text = read_file(path, kMaxProcFileBytes);
    if (!text) {
        return text.error();
    }
    const auto total = meminfo_bytes(*text, "MemTotal");
    if (!total) {
        return Error{"read " + path + ": no line for MemTotal"};
    }
    JsonWriter w;
    w.begin_object();
    add_number(w, "total_bytes", total);
    add_number(w, "free_bytes", meminfo_bytes(*text, "MemFree"));
    add_number(w, "available_bytes", meminfo_bytes(*text, "MemAvailable"));
    add_number(w, "buffers_bytes", meminfo_bytes(*text, "Buffers"));
    add_number(w, "cached_bytes", meminfo_bytes(*text, "Cached"));
    add_number(w, "swap_total_bytes", meminfo_bytes(*text, "SwapTotal"));
    add_number(w, "swap_free_bytes", meminfo_bytes(*text, "SwapFree"));
    w.end_object();
    return w.take();
}

Result<std::string> call_system_disks(JsonView arguments, const std::string& root) {
    if (Status s = take_no_arguments(arguments); !s) {
        return s.error();
    }
    Result<std::string> text =
        read_file(root + "/proc/self/mountinfo", kMaxProcFileBytes);
    if (!text) {
        return text.error();
    }
    JsonWriter w;
    w.begin_object().key("disks").begin_array();
    for (const Mount& mount : real_file_systems(parse_mountinfo(*text))) {
        add_disk(w, mount, root);
    }
    w.end_array().end_object();
    return w.take();
}

}  // namespace neuron
