// `neurond stop`: asks, then watches the daemon's process until it is gone. A process
// descriptor, opened before asking, cannot come to mean another process; where none can
// be had, the control socket falling silent has to do.

#include "neurond/cli/verbs.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "neurond/base/clock.h"
#include "neurond/base/fd.h"
#include "neurond/cli/admin.h"
#include "neurond/cli/options.h"
#include "neurond/cli/table.h"

namespace neuron {

namespace {

/// Longer than drain_timeout and shutdown_timeout are by default together.
constexpr Millis kMaxStopWait{5 * 60 * 1000};
constexpr int kPollMillis = 100;

Fd open_process(JsonView pid) {
    const auto number = pid.as_int64();
    if (!number || *number < 2) {
        return Fd();
    }
    return Fd(
        static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(*number), 0)));
}

/// Waits a moment. True if the process is gone, or, without one, if nobody answers.
bool has_gone(const Fd& process, ControlClient& client) {
    pollfd watched{process.get(), POLLIN, 0};  // a negative one is only a delay
    const int ready = ::poll(&watched, 1, kPollMillis);
    if (process) {
        return ready > 0;
    }
    return !client.is_answered();
}

}  // namespace

int run_stop(const Options& options) {
    Result<ControlClient> client = admin_client(options);
    if (!client) {
        return fail(client.error());
    }
    const Result<std::string> status = admin_get(*client, "/api/v1/admin/status");
    if (!status) {
        return fail(status.error());
    }
    const Fd process = open_process(JsonView(*status).find("pid"));
    const std::string name = "neurond (pid " + cell(JsonView(*status), "pid") + ")";

    const TimePoint begin = monotonic_now();
    ControlRequest request;
    request.method = "POST";
    request.target = "/api/v1/admin/stop";
    const Result<ControlReply> reply = client->exchange(request);
    if (!reply) {
        return fail(reply.error());
    }
    if (reply->status / 100 != 2) {
        return fail(Error{"stop " + name + ": " + refusal_text(*reply)});
    }
    while (!has_gone(process, *client)) {
        if (monotonic_now() - begin > kMaxStopWait) {
            return fail(Error{"stop " + name + ": it is still there after " +
                              to_words(kMaxStopWait.count() / 1000)});
        }
    }
    const std::chrono::duration<double> took = monotonic_now() - begin;
    std::printf("%s has stopped (%.1f s)\n", name.c_str(), took.count());
    return kExitDone;
}

}  // namespace neuron
