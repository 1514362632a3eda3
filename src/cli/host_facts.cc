// The texts of /proc and /etc/os-release, taken apart. Nothing here touches a file, so
// every oddity of those formats can stand in a unit test as a piece of text.

#include "neurond/cli/host_facts.h"

#include <algorithm>
#include <array>

#include "neurond/base/text.h"

namespace neuron {

namespace {

/// The next word of `text` in front of which blanks are skipped; empty at the end.
std::string_view take_word(std::string_view& text) {
    const size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) {
        text = {};
        return {};
    }
    const size_t end = std::min(text.find_first_of(" \t", begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    text.remove_prefix(end);
    return word;
}

/// The rest of the first line that begins with `start`.
std::optional<std::string_view> line_behind(std::string_view text,
                                            std::string_view start) {
    for (std::string_view line : split(text, '\n')) {
        if (starts_with(line, start)) {
            return line.substr(start.size());
        }
    }
    return std::nullopt;
}

/// "0.52" as 52.
std::optional<uint64_t> parse_hundredths(std::string_view word) {
    const size_t dot = word.find('.');
    if (dot == std::string_view::npos || word.size() != dot + 3) {
        return std::nullopt;
    }
    const auto whole = parse_u64(word.substr(0, dot));
    const auto fraction = parse_u64(word.substr(dot + 1));
    if (!whole || !fraction || *whole > UINT32_MAX) {
        return std::nullopt;
    }
    return *whole * 100 + *fraction;
}

bool is_octal(char c) {
    return c >= '0' && c <= '7';
}

/// mountinfo writes blank, tab, line feed and backslash as \040 and the like.
std::string decode_octal(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) &&
            is_octal(text[i + 2]) && is_octal(text[i + 3])) {
            out += static_cast<char>((text[i + 1] - '0') * 64 +
                                     (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

bool is_local_disk(std::string_view type) {
    static constexpr std::array<std::string_view, 24> kTypes = {
        "ext2",   "ext3",  "ext4",     "xfs",   "btrfs",   "zfs",
        "vfat",   "msdos", "exfat",    "ntfs",  "ntfs3",   "fuseblk",
        "f2fs",   "jfs",   "reiserfs", "udf",   "hfsplus", "hfs",
        "nilfs2", "ufs",   "bcachefs", "minix", "iso9660", "overlay",
    };
    return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

/// Types behind which somebody else answers: statvfs() may wait for ever.
bool may_hang(std::string_view type) {
    static constexpr std::array<std::string_view, 18> kTypes = {
        "nfs",  "nfs4",   "cifs",      "smb3",   "smbfs", "9p",
        "afs",  "ceph",   "glusterfs", "lustre", "gpfs",  "ocfs2",
        "gfs2", "autofs", "virtiofs",  "fuse",   "coda",  "ncpfs",
    };
    return starts_with(type, "fuse.") ||
           std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

bool is_below(const std::string& path, const std::string& directory) {
    if (directory == "/") {
        return path != directory;
    }
    return starts_with(path, directory) && path.size() > directory.size() &&
           path[directory.size()] == '/';
}

std::optional<Mount> parse_mount(std::string_view line) {
    Mount mount;
    take_word(line);  // mount ID
    take_word(line);  // parent ID
    mount.device = take_word(line);
    take_word(line);  // root within the file system
    mount.mount_point = decode_octal(take_word(line));
    std::string_view word = take_word(line);  // options, then optional fields up to "-"
    while (!word.empty() && word != "-") {
        word = take_word(line);
    }
    mount.type = decode_octal(take_word(line));
    mount.source = decode_octal(take_word(line));
    if (word.empty() || mount.type.empty() || mount.mount_point.empty()) {
        return std::nullopt;
    }
    return mount;
}

/// A later mount on the same point hides this one. One above it that may hang would hang
/// us too; at the same point (as systemd's automounts) it is not asked.
bool is_out_of_reach(const std::vector<Mount>& mounts, size_t index) {
    const std::string& point = mounts[index].mount_point;
    for (size_t i = 0; i < mounts.size(); ++i) {
        const Mount& other = mounts[i];
        if ((i > index && other.mount_point == point) ||
            (may_hang(other.type) && is_below(point, other.mount_point))) {
            return true;
        }
    }
    return false;
}

}  // namespace

std::string os_release_value(std::string_view text, std::string_view key) {
    const auto found = line_behind(text, std::string(key) + "=");
    if (!found) {
        return {};
    }
    std::string_view value = trim(*found, " \t\r");
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
        value.back() == value.front()) {
        value = value.substr(1, value.size() - 2);
    }
    std::string out;
    for (size_t i = 0; i < value.size(); ++i) {
        if (value[i] == '\\' && i + 1 < value.size()) {
            ++i;
        }
        out += value[i];
    }
    return out;
}

std::optional<LoadFacts> parse_loadavg(std::string_view text) {
    LoadFacts facts;
    text = trim(text, " \t\n");
    for (uint64_t& average : facts.hundredths) {
        const auto value = parse_hundredths(take_word(text));
        if (!value) {
            return std::nullopt;
        }
        average = *value;
    }
    const std::vector<std::string_view> entities = split(take_word(text), '/');
    if (entities.size() != 2) {
        return std::nullopt;
    }
    const auto runnable = parse_u64(entities[0]);
    const auto total = parse_u64(entities[1]);
    if (!runnable || !total) {
        return std::nullopt;
    }
    facts.runnable = *runnable;
    facts.total = *total;
    return facts;
}

std::optional<uint64_t> meminfo_bytes(std::string_view text, std::string_view name) {
    auto rest = line_behind(text, std::string(name) + ":");
    if (!rest) {
        return std::nullopt;
    }
    const auto value = parse_u64(take_word(*rest));
    if (!value || take_word(*rest) != "kB" || *value > UINT64_MAX / 1024) {
        return std::nullopt;
    }
    return *value * 1024;
}

std::optional<uint64_t> parse_uptime(std::string_view text) {
    return parse_u64(text.substr(0, text.find('.')));
}

std::optional<uint64_t> parse_boot_time(std::string_view text) {
    const auto value = line_behind(text, "btime ");
    return value ? parse_u64(trim(*value)) : std::nullopt;
}

std::vector<Mount> parse_mountinfo(std::string_view text) {
    std::vector<Mount> mounts;
    for (std::string_view line : split(text, '\n')) {
        if (auto mount = parse_mount(line)) {
            mounts.push_back(std::move(*mount));
        }
    }
    return mounts;
}

std::vector<Mount> real_file_systems(const std::vector<Mount>& mounts) {
    std::vector<Mount> found;
    for (size_t i = 0; i < mounts.size(); ++i) {
        const Mount& mount = mounts[i];
        if (!is_local_disk(mount.type) || is_out_of_reach(mounts, i)) {
            continue;
        }
        const auto same = std::find_if(found.begin(), found.end(), [&](const Mount& m) {
            return m.device == mount.device;
        });
        if (same == found.end()) {
            found.push_back(mount);
        } else if (mount.mount_point.size() < same->mount_point.size()) {
            *same = mount;
        }
    }
    return found;
}

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
    const size_t open = text.find('(');
    const size_t close = text.rfind(')');
    if (open == std::string_view::npos || close == std::string_view::npos ||
        close < open) {
        return std::nullopt;
    }
    ProcessStat stat;
    const auto pid = parse_u64(trim(text.substr(0, open)));
    stat.name = text.substr(open + 1, close - open - 1);
    std::string_view rest = trim(text.substr(close + 1), " \t\n");
    const std::string_view state = take_word(rest);
    constexpr size_t kFields = 21;  // ppid, field 4 of proc(5), to rss, field 24
    std::array<std::optional<uint64_t>, kFields> fields;
    for (auto& field : fields) {
        field = parse_u64(take_word(rest));
    }
    const auto& ppid = fields[0];
    const auto& user = fields[10];
    const auto& system = fields[11];
    const auto& start = fields[18];
    const auto& rss = fields[20];
    if (!pid || state.size() != 1 || !ppid || !user || !system || !start || !rss) {
        return std::nullopt;
    }
    stat.pid = *pid;
    stat.state = state[0];
    stat.parent = *ppid;
    stat.cpu_ticks = *user + *system;
    stat.start_ticks = *start;
    stat.rss_pages = *rss;
    return stat;
}

const char* process_state_name(char state) noexcept {
    switch (state) {
        case 'R':
            return "running";
        case 'S':
            return "sleeping";
        case 'D':
            return "waiting for disk";
        case 'Z':
            return "zombie";
        case 'T':
            return "stopped";
        case 't':
            return "traced";
        case 'X':
            return "dead";
        case 'I':
            return "idle";
        default:
            return "unknown";
    }
}

std::optional<uint64_t> parse_process_uid(std::string_view text) {
    auto rest = line_behind(text, "Uid:");
    return rest ? parse_u64(take_word(*rest)) : std::nullopt;
}

}  // namespace neuron
