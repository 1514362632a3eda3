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
                           ProcessOwner& owner)
    : loop_(loop),
      children_(children),
      tail_(tail),
      owner_(owner),
      escalation_(loop, [this] { escalate(); }),
      rest_(loop, [this] { link_->close("its process has ended"); }) {}

StdioProcess::~StdioProcess() {
    if (pid_ != 0) {
        children_.kill_group(pid_, SIGKILL);
        children_.forget(pid_);
    }
}

Status StdioProcess::start(const StdioCommand& command) {
    Result<Pipe> in = make_pipe();
    Result<Pipe> out = make_pipe();
    Result<Pipe> err = make_pipe();
    if (!in || !out || !err) {
        return !in ? in.error() : !out ? out.error() : err.error();
    }
    SpawnPlan plan;
    plan.path = command.path;
    plan.argv = command.args;
    plan.argv.insert(plan.argv.begin(), command.path);
    plan.env = command.env;
    plan.cwd = command.cwd;
    plan.fds = {
        {in->read_end.get(), 0}, {out->write_end.get(), 1}, {err->write_end.get(), 2}};
    const Result<pid_t> pid = spawn(plan);
    if (!pid) {
        return pid.error();
    }
    pid_ = *pid;
    stop_timeout_ = command.stop_timeout;
    children_.watch(pid_, *this);
    set_nonblocking(in->write_end);
    set_nonblocking(out->read_end);
    set_nonblocking(err->read_end);
    stderr_.emplace(loop_, command.server, std::move(err->read_end), tail_);
    link_ = std::make_unique<LineLink>(
        loop_, make_pipe_stream(std::move(out->read_end), std::move(in->write_end)),
        command.limits, static_cast<LinkOwner&>(*this));
    link_open_ = true;
    return Ok{};
}

void StdioProcess::stop() {
    if (stopping_ == Stopping::kNo && pid_ != 0) {
        stopping_ = Stopping::kAsked;
        link_->end_output();
        escalation_.arm(kStdinGrace);
    }
}

void StdioProcess::kill() {
    if (pid_ != 0) {
        stopping_ = Stopping::kKilled;
        children_.kill_group(pid_, SIGKILL);
    }
}

void StdioProcess::escalate() {
    if (stopping_ == Stopping::kAsked) {
        stopping_ = Stopping::kTerminated;
        children_.kill_group(pid_, SIGTERM);
        escalation_.arm(stop_timeout_);
    } else {
        kill();
    }
}

void StdioProcess::on_link_closed(const std::string& reason) {
    link_open_ = false;
    if (!ended_) {
        stop();
        owner_.on_link_closed(reason);
    }
    finish_if_ended();
}

void StdioProcess::on_exit(pid_t, ExitStatus status) {
    pid_ = 0;
    ended_ = status;
    escalation_.cancel();
    rest_.arm(kRestOfOutput);
    finish_if_ended();
}

/// The last answers of a dead child may still be in its pipe.
void StdioProcess::finish_if_ended() {
    if (ended_ && !link_open_) {
        rest_.cancel();
        stderr_->drain_rest();
        owner_.on_process_end(*ended_);
    }
}

}  // namespace neuron
