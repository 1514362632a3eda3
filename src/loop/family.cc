// Who belongs to whom. Sessions, groups and parents are a process's own to change; a
// resource limit that nobody uses is inherited by all it starts.

#include "neurond/loop/family.h"

#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <string>

namespace neuron {

namespace {

constexpr FamilyMark kFirstMark = FamilyMark{1} << 60;  // microseconds
constexpr unsigned kPidShift = 24;  // below it we count; pids have at most 22 bits

}  // namespace

FamilyMark next_family_mark() {
    static FamilyMark count = 0;
    constexpr FamilyMark kMask = (FamilyMark{1} << kPidShift) - 1;
    return kFirstMark | (static_cast<FamilyMark>(::getpid()) << kPidShift) |
           (++count & kMask);
}

LentLimit::LentLimit(__rlimit_resource_t resource, uint64_t soft)
    : resource_(resource) {
    rlimit limit{};
    if (soft == 0 || ::getrlimit(resource_, &limit) != 0 || soft > limit.rlim_max) {
        return;
    }
    before_ = limit.rlim_cur;
    limit.rlim_cur = soft;
    changed_ = ::setrlimit(resource_, &limit) == 0;
}

LentLimit::~LentLimit() {
    rlimit limit{};
    if (changed_ && ::getrlimit(resource_, &limit) == 0) {
        limit.rlim_cur = before_;
        ::setrlimit(resource_, &limit);
    }
}

/// Not by prlimit(), which wants the same user.
FamilyMark family_mark_of(pid_t pid) {
    constexpr const char* kLine = "Max realtime timeout";
    const std::string path = "/proc/" + std::to_string(pid) + "/limits";
    std::FILE* file = std::fopen(path.c_str(), "re");
    if (file == nullptr) {
        return 0;
    }
    FamilyMark mark = 0;
    char line[256];
    while (std::fgets(line, sizeof line, file) != nullptr) {
        if (std::strncmp(line, kLine, std::strlen(kLine)) == 0) {
            std::sscanf(line + std::strlen(kLine), "%" SCNu64, &mark);
        }
    }
    std::fclose(file);
    return mark >= kFirstMark ? mark : 0;
}

std::vector<pid_t> direct_children() {
    std::vector<pid_t> pids;
    const std::string path =
        "/proc/self/task/" + std::to_string(::getpid()) + "/children";
    std::FILE* file = std::fopen(path.c_str(), "re");
    if (file == nullptr) {
        return pids;
    }
    int pid = 0;
    while (std::fscanf(file, "%d", &pid) == 1) {
        pids.push_back(pid);
    }
    std::fclose(file);
    return pids;
}

}  // namespace neuron
