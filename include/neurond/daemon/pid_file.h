#ifndef NEUROND_DAEMON_PID_FILE_H
#define NEUROND_DAEMON_PID_FILE_H

#include <string>

#include "neurond/base/fd.h"
#include "neurond/base/result.h"

namespace neuron {

/// The PID file of this process. The lock on it, not the number in it, decides whether
/// another instance runs; a file left behind by a dead one is taken over.
class PidFile {
  public:
    PidFile() = default;
    PidFile(PidFile&&) = default;
    PidFile& operator=(PidFile&&) = default;
    ~PidFile() { remove(); }

    /// Locks `path` and writes our PID. Fails with "neurond is already running (pid N)…"
    /// when somebody else holds the lock.
    Status acquire(const std::string& path);
    /// Removes the file; the lock goes with it.
    void remove();

  private:
    std::string path_;
    Fd fd_;
};

}  // namespace neuron

#endif
