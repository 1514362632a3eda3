#ifndef NEUROND_BACK_STDIO_PROCESS_H
#define NEUROND_BACK_STDIO_PROCESS_H

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "neurond/back/carrier.h"
#include "neurond/back/crash_report.h"
#include "neurond/back/stderr_drain.h"
#include "neurond/loop/cgroup.h"
#include "neurond/loop/child.h"
#include "neurond/loop/trampoline.h"
#include "neurond/net/line_link.h"

namespace neuron {

/// How to start a stdio server.
struct StdioCommand {
    std::string server;  ///< the downstream's name, for the log
    std::string path;
    std::vector<std::string> args;  ///< without argv[0]
    std::vector<std::string> shown_args;  ///< the same, secrets masked
    std::vector<std::string> env;   ///< "NAME=value", all of it
    std::string cwd;
    Millis stop_timeout{5000};
    LinkLimits limits;
    ChildLimits may_use;
    CrashReports* crashes = nullptr;  ///< lent; null = ends are not reported
    Cgroups* cgroups = nullptr;       ///< lent; null = there are none
};

/// A child that speaks NDJSON on its stdin and stdout.
///
///     running ──stop()──> stdin closed ──2 s──> SIGTERM ──stop_timeout──> SIGKILL
///
/// Signals go to its process group, the last one to its cgroup, too. A child that closes
/// its stdout without exiting is stopped: it can never answer again.
class StdioProcess final : public Carrier, private ChildOwner, private LinkOwner {
  public:
    StdioProcess(EventLoop& loop, Children& children, StderrTail& tail,
                 const StdioCommand& command, CarrierOwner& owner);
    ~StdioProcess() override;

    Status start() override;
    void send(OutQueue&& message, const Outgoing& about) override;
    void forget(uint64_t) override {}
    bool congested() const noexcept override { return link_->congested(); }
    void stop() override;
    void kill() override;
    pid_t pid() const noexcept override { return pid_; }

  private:
    enum class Stopping { kNo, kAsked, kTerminated, kKilled };

    void on_exit(pid_t pid, ExitStatus status) override;
    void on_message(const JsonScanner& scan, const Slice& text) override {
        owner_.on_message(scan, text, kAnyExchange);
    }
    void on_garbage(const JsonScanner& scan, std::string_view head,
                    std::string_view id_raw) override {
        owner_.on_garbage(scan, head, id_raw);
    }
    void on_oversized(std::string_view id_raw) override { owner_.on_oversized(id_raw); }
    void on_shed(std::string_view id_raw) override { owner_.on_shed(id_raw); }
    void on_output_room() override { owner_.on_output_room(); }
    void on_output_broken() override;
    void on_link_closed(const std::string& reason) override;
    void fail_unsent();
    void fail_unwritten(const std::string& why);
    void escalate();
    void begin_stop();
    bool crashed() const noexcept;
    Status launch(const SpawnPlan& plan);
    Ending ending();
    Status launch(const SpawnPlan& plan, const ChildLimits& limits);
    void kill_all();
    void leave_group();
    void finish_if_ended();
    void report_crash(const std::string& reason);

    EventLoop& loop_;
    Children& children_;
    StderrTail& tail_;
    const StdioCommand& command_;  ///< the downstream's
    CarrierOwner& owner_;
    pid_t pid_ = 0;
    TimePoint started_;
    Fd report_;  ///< of the trampoline
    std::string group_;  ///< its cgroup; empty = none of its own
    bool out_of_memory_ = false;
    Stopping stopping_ = Stopping::kNo;
    bool asked_ = false;  ///< to end, by its owner
    std::unique_ptr<LineLink> link_;
    bool link_open_ = false;
    bool stdin_broken_ = false;
    std::vector<uint64_t> unsent_;  ///< requests it will not read
    /// Requests that may not have been written: id, and where in all our output they begin.
    std::deque<std::pair<uint64_t, uint64_t>> outbox_;
    uint64_t queued_ = 0;  ///< bytes of output so far, written or not
    std::optional<ExitStatus> ended_;
    Millis uptime_{0};
    std::optional<StderrDrain> stderr_;
    Task unsent_task_;
    Timer escalation_;
    Timer rest_;  ///< how long a dead child's stdout may stay open (a grandchild's)
};

}  // namespace neuron

#endif
