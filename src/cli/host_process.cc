// process.list: who runs here. Command lines and environments stay out of it on purpose,
// because secrets stand in them.

#include "neurond/cli/host_tools.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "neurond/base/atomic_file.h"
#include "neurond/base/clock.h"
#include "neurond/base/glob.h"
#include "neurond/base/limits.h"
#include "neurond/base/text.h"
#include "neurond/cli/host_facts.h"
#include "neurond/wire/json_string.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

constexpr int64_t kDefaultLimit = 50;
constexpr int64_t kMaxLimit = 1000;

struct Query {
    enum class Sort { kCpu, kMemory, kPid };
    int64_t limit = kDefaultLimit;
    Sort sort = Sort::kCpu;
    std::string name;  ///< glob; empty: all
};

struct Process {
    ProcessStat stat;
    std::optional<uint64_t> uid;
};

Status read_limit(JsonView value, Query& query) {
    const std::optional<int64_t> limit = value.as_int64();
    if (!limit || *limit < 1 || *limit > kMaxLimit) {
        return Error{"argument \"limit\": expected an integer from 1 to 1000"};
    }
    query.limit = *limit;
    return Ok{};
}

Status read_sort(JsonView value, Query& query) {
    if (value.is_string("cpu")) {
        query.sort = Query::Sort::kCpu;
    } else if (value.is_string("memory")) {
        query.sort = Query::Sort::kMemory;
    } else if (value.is_string("pid")) {
        query.sort = Query::Sort::kPid;
    } else {
        return Error{R"(argument "sort": expected "cpu", "memory" or "pid")"};
    }
    return Ok{};
}

Status read_name(JsonView value, Query& query) {
    const std::optional<std::string> name = value.as_string();
    if (!name || !glob_is_valid(*name)) {
        return Error{"argument \"name\": expected a glob pattern such as nginx*"};
    }
    query.name = *name;
    return Ok{};
}

Result<Query> read_query(JsonView arguments) {
    Query query;
    for (const JsonPair& member : arguments.members()) {
        Status status = Ok{};
        if (member.key.is_string("limit")) {
            status = read_limit(member.value, query);
        } else if (member.key.is_string("sort")) {
            status = read_sort(member.value, query);
        } else if (member.key.is_string("name")) {
            status = read_name(member.value, query);
        } else {
            status =
                Error{"unknown argument " + json_quote(json_unquote(member.key.raw())) +
                      ": expected limit, sort or name"};
        }
        if (!status) {
            return status.error();
        }
    }
    return query;
}

struct CloseDirectory {
    void operator()(DIR* dir) const noexcept { ::closedir(dir); }
};

/// Nothing for a process that has gone since its directory was listed.
std::optional<Process> read_process(const std::string& directory) {
    const Result<std::string> text = read_file(directory + "/stat", kMaxProcFileBytes);
    if (!text) {
        return std::nullopt;
    }
    auto stat = parse_process_stat(*text);
    if (!stat) {
        return std::nullopt;
    }
    Process process{std::move(*stat), std::nullopt};
    const Result<std::string> status =
        read_file(directory + "/status", kMaxProcFileBytes);
    if (status) {
        process.uid = parse_process_uid(*status);
    }
    return process;
}

Result<std::vector<Process>> read_processes(const std::string& proc,
                                            const Query& query) {
    const std::unique_ptr<DIR, CloseDirectory> dir(::opendir(proc.c_str()));
    if (dir == nullptr) {
        return sys_error("open", proc);
    }
    std::vector<Process> processes;
    while (const dirent* entry = ::readdir(dir.get())) {
        if (!parse_u64(entry->d_name)) {
            continue;
        }
        auto process = read_process(proc + "/" + entry->d_name);
        if (process &&
            (query.name.empty() || glob_matches(query.name, process->stat.name))) {
            processes.push_back(std::move(*process));
        }
    }
    return processes;
}

/// The one with more first; of equals the older one.
void sort_processes(std::vector<Process>& processes, Query::Sort by) {
    const auto weight = [by](const Process& p) -> uint64_t {
        switch (by) {
            case Query::Sort::kCpu:
                return p.stat.cpu_ticks;
            case Query::Sort::kMemory:
                return p.stat.rss_pages;
            case Query::Sort::kPid:
                break;
        }
        return 0;
    };
    std::sort(processes.begin(), processes.end(),
              [&](const Process& a, const Process& b) {
                  return weight(a) != weight(b) ? weight(a) > weight(b)
                                                : a.stat.pid < b.stat.pid;
              });
}

/// What turns the kernel's units into ours.
struct Units {
    uint64_t ticks_per_second = 100;
    uint64_t page_bytes = 4096;
    std::optional<uint64_t> boot;  ///< seconds since the epoch
};

Units read_units(const std::string& proc) {
    Units units;
    if (const long ticks = ::sysconf(_SC_CLK_TCK); ticks > 0) {
        units.ticks_per_second = static_cast<uint64_t>(ticks);
    }
    if (const long page = ::sysconf(_SC_PAGESIZE); page > 0) {
        units.page_bytes = static_cast<uint64_t>(page);
    }
    const Result<std::string> text = read_file(proc + "/stat", kMaxProcFileBytes);
    if (text) {
        units.boot = parse_boot_time(*text);
    }
    return units;
}

void add_process(JsonWriter& w, const Process& process, const Units& units) {
    const ProcessStat& stat = process.stat;
    const uint64_t hz = units.ticks_per_second;
    const uint64_t hundredths = stat.cpu_ticks % hz * 100 / hz;
    w.begin_object();
    w.key("pid").unsigned_integer(stat.pid);
    w.key("ppid").unsigned_integer(stat.parent);
    if (process.uid) {
        w.key("uid").unsigned_integer(*process.uid);
    }
    w.key("name").string(stat.name);
    w.key("state").string(process_state_name(stat.state));
    w.key("rss_bytes").unsigned_integer(stat.rss_pages * units.page_bytes);
    w.key("cpu_seconds")
        .raw(std::to_string(stat.cpu_ticks / hz) + (hundredths < 10 ? ".0" : ".") +
             std::to_string(hundredths));
    if (units.boot) {
        const std::chrono::seconds start(*units.boot + stat.start_ticks / hz);
        w.key("started_at").string(to_rfc3339(WallTime(start)));
    }
    w.end_object();
}

}  // namespace

Result<std::string> call_process_list(JsonView arguments, const std::string& root) {
    const Result<Query> query = read_query(arguments);
    if (!query) {
        return query.error();
    }
    const std::string proc = root + "/proc";
    Result<std::vector<Process>> processes = read_processes(proc, *query);
    if (!processes) {
        return processes.error();
    }
    sort_processes(*processes, query->sort);
    const Units units = read_units(proc);
    const size_t shown = std::min(processes->size(), static_cast<size_t>(query->limit));
    JsonWriter w;
    w.begin_object().key("processes").begin_array();
    for (size_t i = 0; i < shown; ++i) {
        add_process(w, (*processes)[i], units);
    }
    w.end_array().key("total").unsigned_integer(processes->size()).end_object();
    return w.take();
}

}  // namespace neuron
