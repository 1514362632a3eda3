#ifndef NEUROND_BACK_ALERT_COMMAND_H
#define NEUROND_BACK_ALERT_COMMAND_H

#include <string>
#include <unordered_map>
#include <utility>

#include "neurond/base/clock.h"
#include "neurond/loop/child.h"
#include "neurond/loop/event_loop.h"

namespace neuron {

/// The program of an operator that is told of a downstream in trouble (S2-35):
///
///     COMMAND NAME REASON
///
/// with NEUROND_DOWNSTREAM and NEUROND_REASON in its environment, PATH beside them, and
/// nothing on its descriptors. At most kAlertCommands run at a time, one a minute for each
/// downstream; one that takes longer than that minute is killed.
class AlertCommand final : private ChildOwner {
  public:
    /// `path`: absolute; empty = nobody is told.
    AlertCommand(EventLoop& loop, Children& children, std::string path);
    ~AlertCommand();

    void set_path(std::string path) { path_ = std::move(path); }
    /// False when it was not run.
    bool run(const std::string& downstream, const std::string& reason);
    size_t running() const noexcept { return running_.size(); }

  private:
    struct Run {
        std::string downstream;
        TimePoint deadline;
    };

    void on_exit(pid_t pid, ExitStatus status) override;
    bool may_run(const std::string& downstream);
    void arm();
    void kill_overdue();

    EventLoop& loop_;
    Children& children_;
    std::string path_;
    std::unordered_map<pid_t, Run> running_;
    std::unordered_map<std::string, TimePoint> last_;  ///< at most one a downstream
    Timer overdue_;
};

}  // namespace neuron

#endif
