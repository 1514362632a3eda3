// Wakes somebody: runs the operator's program, and sees to it that a storm of crashes does
// not become a storm of programs.

#include "neurond/back/alert_command.h"

#include <fcntl.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "neurond/base/limits.h"
#include "neurond/base/log.h"
#include "neurond/base/secrets.h"

namespace neuron {

namespace {

constexpr Millis kMinute{60000};

std::vector<std::string> environment(const std::string& downstream,
                                     const std::string& reason) {
    const char* path = std::getenv("PATH");
    return {std::string("PATH=") + (path != nullptr ? path : "/usr/bin:/bin"),
            "NEUROND_DOWNSTREAM=" + downstream, "NEUROND_REASON=" + reason};
}

}  // namespace

AlertCommand::AlertCommand(EventLoop& loop, Children& children, std::string path)
    : loop_(loop),
      children_(children),
      path_(std::move(path)),
      overdue_(loop, [this] { kill_overdue(); }) {}

AlertCommand::~AlertCommand() {
    for (const auto& [pid, run] : running_) {
        children_.kill_group(pid, SIGKILL);
        children_.forget(pid);
    }
}

bool AlertCommand::run(const std::string& downstream, const std::string& why) {
    if (path_.empty() || !may_run(downstream)) {
        return false;
    }
    const std::string reason = mask_secrets(why);
    const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    SpawnPlan plan;
    plan.path = path_;
    plan.argv = {path_, downstream, reason};
    plan.env = environment(downstream, reason);
    plan.fds = {{null.get(), 0}, {null.get(), 1}, {null.get(), 2}};
    const Result<pid_t> pid = spawn(plan);
    if (!pid) {
        log_error("supervisor", "%s: run alert.command: %s", downstream.c_str(),
                  pid.error().message.c_str());
        return false;
    }
    children_.watch(*pid, *this);
    running_[*pid] = {downstream, loop_.now() + kMinute};
    arm();
    return true;
}

bool AlertCommand::may_run(const std::string& downstream) {
    const auto last = last_.find(downstream);
    const bool rested = last == last_.end() || loop_.now() - last->second >= kMinute;
    if (!rested || running_.size() >= kAlertCommands) {
        log_warn("supervisor", "%s: alert.command is not run: %s", downstream.c_str(),
                 rested ? "too many are running" : "it was, less than a minute ago");
        return false;
    }
    last_[downstream] = loop_.now();
    return true;
}

void AlertCommand::on_exit(pid_t pid, ExitStatus status) {
    const auto found = running_.find(pid);
    if (found == running_.end()) {
        return;
    }
    if (!status.clean()) {
        log_warn("supervisor", "%s: alert.command %s", found->second.downstream.c_str(),
                 status.to_string().c_str());
    }
    running_.erase(found);
    arm();
}

void AlertCommand::arm() {
    overdue_.cancel();
    const auto next = std::min_element(
        running_.begin(), running_.end(), [](const auto& a, const auto& b) {
            return a.second.deadline < b.second.deadline;
        });
    if (next != running_.end()) {
        overdue_.arm(std::chrono::ceil<Millis>(
            std::max(TimePoint::duration::zero(), next->second.deadline - loop_.now())));
    }
}

void AlertCommand::kill_overdue() {
    for (auto& [pid, run] : running_) {
        if (run.deadline <= loop_.now()) {
            run.deadline = loop_.now() + kMinute;
            children_.kill_group(pid, SIGKILL);
        }
    }
    arm();
}

}  // namespace neuron
