#ifndef NEUROND_BACK_CRASH_REPORT_H
#define NEUROND_BACK_CRASH_REPORT_H

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "neurond/base/clock.h"
#include "neurond/base/result.h"
#include "neurond/loop/child.h"

namespace neuron {

/// What is known of a child that has ended by itself, and not with status 0.
struct CrashFacts {
    std::string server;  ///< the downstream's name
    ExitStatus status;
    std::string reason;  ///< in words; more than the status where more is known
    Millis uptime{0};
    std::string command;
    std::vector<std::string> args;  ///< secrets masked
    WallTime time;
    std::deque<std::string> stderr_tail;  ///< escaped lines, oldest first
};

/// One JSON object with the keys `server`, `exit_status` (null for a signal), `signal`
/// (null for an exit), `reason`, `uptime_seconds`, `command`, `args`, `timestamp` and
/// `stderr`. At most kMaxCrashReportBytes: of the arguments the last, then of the lines
/// the first are left out.
std::string crash_report_json(const CrashFacts& facts);

/// The files DIR/NAME-<seconds since 1970>.json, mode 0600: the newest kMaxCrashReports of
/// them, all downstreams together. Two crashes of one second share a file.
class CrashReports {
  public:
    /// Both may take as long as they like; nobody waits for them.
    struct Disk {
        std::function<void(const std::string& path, const std::string& content)> write;
        std::function<void(const std::string& path)> remove;
    };

    CrashReports(std::string dir, Disk disk)
        : dir_(std::move(dir)), disk_(std::move(disk)) {}

    /// Makes the directory, looks what is there from earlier. Blocks: for the start.
    Status open();
    void add(const CrashFacts& facts);

  private:
    struct File {
        uint64_t seconds;
        std::string name;
    };

    std::string dir_;
    Disk disk_;
    std::deque<File> files_;  ///< oldest first
};

}  // namespace neuron

#endif
