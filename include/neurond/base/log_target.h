#ifndef NEUROND_BASE_LOG_TARGET_H
#define NEUROND_BASE_LOG_TARGET_H

#include <cstdint>
#include <optional>
#include <string>

#include "neurond/base/fd.h"
#include "neurond/base/file_owner.h"
#include "neurond/base/result.h"

namespace neuron {

constexpr mode_t kLogFileMode = 0640;

/// Where the log goes.
struct LogTarget {
    enum class Kind {
        kStderr,
        kSyslog,  ///< the host's, at /dev/log
        kFile,    ///< appended to
        kNowhere,
    };
    Kind kind = Kind::kStderr;
    std::string path;  ///< of kFile
    std::optional<FileOwner> owner{};  ///< of a file that is made
};

/// Writes lines to a target, and never waits: a pipe or socket that takes nothing loses
/// the line.
class LogOutput {
  public:
    /// On an error the old target stays.
    Status open(const LogTarget& target);
    /// A file is opened anew by its name, for those who rotate it.
    Status reopen() { return open(target_); }

    LogTarget::Kind kind() const noexcept { return target_.kind; }
    /// `line` ends with a newline, except for syslog, and is at most PIPE_BUF bytes long,
    /// so that lines of several processes on one pipe do not mix. False if it was lost.
    bool write(std::string line);
    /// Why the last line that was lost was lost, for people.
    std::string loss() const;

  private:
    int fd() const noexcept;
    bool is_writable() const;
    bool connect_syslog();

    LogTarget target_;
    Fd fd_;  ///< of a file or of syslog's socket
    bool mid_line_ = false;  ///< a write was cut short: the next one begins a new line
    int error_ = 0;
};

}  // namespace neuron

#endif
