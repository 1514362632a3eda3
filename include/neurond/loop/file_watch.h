#ifndef NEUROND_LOOP_FILE_WATCH_H
#define NEUROND_LOOP_FILE_WATCH_H

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "neurond/base/fd.h"
#include "neurond/base/result.h"
#include "neurond/loop/event_loop.h"

namespace neuron {

/// Tells that files may have changed: their directories are watched (inotify), because an
/// editor puts another file in the place of the one it was given, and a secret store swaps
/// a symbolic link. What has changed, if anything, is for the owner to find out.
class FileWatch final : private EventHandler {
  public:
    /// `changed` is called when nothing has happened for `quiet`, or, where something
    /// always happens, kMaxQuiets times as long after the first event.
    FileWatch(EventLoop& loop, Millis quiet, std::function<void()> changed);
    ~FileWatch();

    /// Watches these instead of those before; none: nothing is watched. A path may be a
    /// shell pattern, and need not exist; a directory that does not is not watched.
    Status watch(const std::vector<std::string>& paths);
    size_t directories() const noexcept { return watched_.size(); }

  private:
    static constexpr int kMaxQuiets = 5;

    void on_ready(uint32_t events) override;
    bool read_events() const;

    EventLoop& loop_;
    Millis quiet_;
    std::function<void()> changed_;
    Fd fd_;
    std::unique_ptr<Watch> watch_;
    std::map<std::string, int> watched_;  ///< directory → the kernel's number
    TimePoint first_;                     ///< event that has not been told of
    Timer timer_;
};

}  // namespace neuron

#endif
