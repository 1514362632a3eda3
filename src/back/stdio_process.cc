// One process of a stdio downstream: started, spoken to, stopped in three steps.

#include "neurond/back/stdio_process.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

namespace neuron {

namespace {

constexpr Millis kStdinGrace{2000};  ///< to exit by itself once its stdin has ended
constexpr Millis kRestOfOutput{200};

struct Pipe {
    Fd read_end;
    Fd write_end;
};

/// Close-on-exec both; our end, chosen by the caller, becomes non-blocking.
Result<Pipe> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return sys_error("pipe");
    }
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

void set_nonblocking(const Fd& fd) {
    ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
}

}  // namespace

StdioProcess::StdioProcess(EventLoop& loop, Children& children, StderrTail& tail,
                           const StdioCommand& command, CarrierOwner& owner)
    : loop_(loop),
      children_(children),
      tail_(tail),
      command_(command),
      owner_(owner),
      unsent_task_(loop, Phase::kSoon, [this] { fail_unsent(); }),
      escalation_(loop, [this] { escalate(); }),
      rest_(loop, [this] { link_->close("its process has ended"); }) {}

StdioProcess::~StdioProcess() {
    if (pid_ != 0) {
        kill_all();
        children_.forget(pid_);
    }
    leave_group();
}

Status StdioProcess::start() {
    Result<Pipe> in = make_pipe();
    Result<Pipe> out = make_pipe();
    Result<Pipe> err = make_pipe();
    if (!in || !out || !err) {
        return !in ? in.error() : !out ? out.error() : err.error();
    }
    SpawnPlan plan;
    plan.path = command_.path;
    plan.argv = command_.args;
    plan.argv.insert(plan.argv.begin(), command_.path);
    plan.env = command_.env;
    plan.cwd = command_.cwd;
    plan.fds = {
        {in->read_end.get(), 0}, {out->write_end.get(), 1}, {err->write_end.get(), 2}};
    plan.family = next_family_mark();
    if (Status launched = launch(plan); !launched) {
        return launched;
    }
    children_.watch(pid_, *this, plan.family);
    started_ = loop_.now();
    set_nonblocking(in->write_end);
    set_nonblocking(out->read_end);
    set_nonblocking(err->read_end);
    stderr_.emplace(loop_, command_.server, std::move(err->read_end), tail_);
    link_ = std::make_unique<LineLink>(
        loop_, make_pipe_stream(std::move(out->read_end), std::move(in->write_end)),
        command_.limits, static_cast<LinkOwner&>(*this));
    link_open_ = true;
    return Ok{};
}

Status StdioProcess::launch(const SpawnPlan& plan) {
    ChildLimits limits = command_.may_use;
    if (command_.cgroups != nullptr) {
        command_.cgroups->assign(command_.server, limits);
        group_ = limits.cgroup;
    }
    if (limits.processes != 0 && limits.user.empty()) {
        leave_group();
        return Error{"limit processes of " + command_.path +
                     ": there is no cgroup for it, and no user"};
    }
    Status launched = launch(plan, limits);
    if (!launched) {
        leave_group();
    }
    return launched;
}

/// Without limits the program is started directly.
Status StdioProcess::launch(const SpawnPlan& plan, const ChildLimits& limits) {
    if (limits.any()) {
        Result<LimitedChild> child = spawn_limited(plan, limits);
        if (!child) {
            return child.error();
        }
        pid_ = child->pid;
        report_ = std::move(child->report);
        return Ok{};
    }
    const Result<pid_t> pid = spawn(plan);
    if (!pid) {
        return pid.error();
    }
    pid_ = *pid;
    return Ok{};
}

void StdioProcess::send(OutQueue&& message, const Outgoing& about) {
    if (stdin_broken_) {
        if (about.kind == Outgoing::Kind::kRequest) {
            unsent_.push_back(about.id);
            unsent_task_.schedule();
        }
        return;
    }
    while (!outbox_.empty() && outbox_.front().second < link_->written()) {
        outbox_.pop_front();
    }
    if (about.kind == Outgoing::Kind::kRequest) {
        outbox_.emplace_back(about.id, queued_);
    }
    queued_ += message.bytes() + 1;  // its line end
    link_->send(std::move(message));
}

/// It will hear nothing more; what it still has to say is read until it ends.
void StdioProcess::on_output_broken() {
    stdin_broken_ = true;
    begin_stop();
}

void StdioProcess::fail_unsent() {
    std::vector<uint64_t> unsent;
    unsent.swap(unsent_);
    for (const uint64_t id : unsent) {
        owner_.on_request_failed(
            id, {RequestFailure::Kind::kUnreachable, 0, false, "it has closed its stdin"});
    }
}

/// What has not even begun to be written can have had no effect.
void StdioProcess::fail_unwritten(const std::string& why) {
    for (const auto& [id, begin] : std::exchange(outbox_, {})) {
        if (begin >= link_->written()) {
            owner_.on_request_failed(id,
                                     {RequestFailure::Kind::kUnsent, 0, false, why});
        }
    }
}

void StdioProcess::stop() {
    asked_ = true;
    begin_stop();
}

void StdioProcess::begin_stop() {
    if (stopping_ == Stopping::kNo && pid_ != 0) {
        stopping_ = Stopping::kAsked;
        link_->end_output();
        escalation_.arm(kStdinGrace);
    }
}

void StdioProcess::kill() {
    asked_ = true;
    if (pid_ != 0) {
        stopping_ = Stopping::kKilled;
        kill_all();
    }
}

void StdioProcess::kill_all() {
    children_.kill_group(pid_, SIGKILL);
    if (!group_.empty()) {
        command_.cgroups->kill(group_);
    }
}

/// Nothing of it survives, and the group does not either.
void StdioProcess::leave_group() {
    if (!group_.empty()) {
        out_of_memory_ = command_.cgroups->was_out_of_memory(group_);
        command_.cgroups->retire(group_);
        group_.clear();
    }
}

void StdioProcess::escalate() {
    if (stopping_ == Stopping::kAsked) {
        stopping_ = Stopping::kTerminated;
        children_.kill_group(pid_, SIGTERM);
        escalation_.arm(command_.stop_timeout);
    } else {
        kill();
    }
}

void StdioProcess::on_link_closed(const std::string&) {
    link_open_ = false;
    if (!ended_) {
        begin_stop();
        owner_.on_output_closed();
    }
    finish_if_ended();
}

void StdioProcess::on_exit(pid_t, ExitStatus status) {
    pid_ = 0;
    ended_ = status;
    uptime_ = std::chrono::duration_cast<Millis>(loop_.now() - started_);
    escalation_.cancel();
    leave_group();
    rest_.arm(kRestOfOutput);
    finish_if_ended();
}

/// The last answers of a dead child may still be in its pipe.
void StdioProcess::finish_if_ended() {
    if (!ended_ || link_open_) {
        return;
    }
    rest_.cancel();
    stderr_->drain_rest();
    const Ending how = ending();
    report_crash(how.why);
    fail_unwritten(how.why);
    owner_.on_carrier_end(how);
}

/// What we have ended ourselves has not. Pipes that close are part of an end, not asked.
bool StdioProcess::crashed() const noexcept {
    const bool by_itself =
        !asked_ && (stopping_ == Stopping::kNo || stopping_ == Stopping::kAsked);
    return by_itself && !ended_->clean();
}

void StdioProcess::report_crash(const std::string& reason) {
    if (command_.crashes == nullptr || !crashed()) {
        return;
    }
    command_.crashes->add({command_.server, *ended_, reason, uptime_, command_.path,
                           command_.shown_args, wall_now(), tail_.lines()});
}

Ending StdioProcess::ending() {
    const std::string status = ended_->to_string();
    if (std::string failed = read_report(report_); !failed.empty()) {
        return {EndCause::kBadConfig, status, failed};
    }
    std::string why = status;
    const uint64_t memory = command_.may_use.memory;
    if (out_of_memory_) {
        why += ", out of memory (limit_memory)";
    } else if (crashed() && memory != 0 && ended_->max_rss / 3 >= memory / 4) {
        why += ", probably out of memory (limit_memory)";
    }
    if (!tail_.last().empty()) {
        why += "; its last words: " + tail_.last();
    }
    return {ended_->clean() ? EndCause::kExit : EndCause::kCrash, status, why};
}

}  // namespace neuron
