// What the kernel knows of this process.

#include "neurond/daemon/process_stats.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

namespace neuron {

namespace {

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Field 0 of /proc/self/statm is the virtual size, field 1 the resident one, in pages.
double memory_bytes(int field) {
    long pages[2] = {0, 0};
    std::FILE* file = std::fopen("/proc/self/statm", "re");
    if (file == nullptr) {
        return 0;
    }
    const int got = std::fscanf(file, "%ld %ld", &pages[0], &pages[1]);
    std::fclose(file);
    return got == 2 ? static_cast<double>(pages[field]) *
                          static_cast<double>(::sysconf(_SC_PAGESIZE))
                    : 0;
}

double open_descriptors() {
    DIR* dir = ::opendir("/proc/self/fd");
    if (dir == nullptr) {
        return 0;
    }
    int count = -3;  // ".", "..", and the directory itself
    while (::readdir(dir) != nullptr) {
        ++count;
    }
    ::closedir(dir);
    return count;
}

double descriptor_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<double>(limit.rlim_cur);
}

}  // namespace

size_t resident_bytes() {
    return static_cast<size_t>(memory_bytes(1));
}

void add_process_metrics(Metrics& metrics) {
    metrics.counter("process_cpu_seconds_total", "User and system time.")
        .set_source(cpu_seconds);
    metrics.gauge("process_virtual_memory_bytes", "Virtual memory.").set_source([] {
        return memory_bytes(0);
    });
    metrics.gauge("process_resident_memory_bytes", "Resident memory.").set_source([] {
        return static_cast<double>(resident_bytes());
    });
    metrics.gauge("process_open_fds", "Open descriptors.").set_source(open_descriptors);
    metrics.gauge("process_max_fds", "Limit of open descriptors.")
        .set_source(descriptor_limit);
}

}  // namespace neuron
