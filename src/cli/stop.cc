// `neurond stop`: asks, then watches the daemon's process until it is gone. A process
// descriptor, opened before asking, cannot come to mean another process; where none can
// be had, the control socket falling silent has to do.

#include "neurond/cli/verbs.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <optional>
#include <string>

#include "neurond/base/clock.h"
#include "neurond/base/fd.h"
#include "neurond/cli/admin.h"
#include "neurond/cli/options.h"
#include "neurond/cli/table.h"
#include "neurond/protocol.h"
#include "neurond/wire/sse.h"

namespace neuron {

namespace {

/// Longer than drain_timeout and shutdown_timeout are by default together.
constexpr Millis kMaxStopWait{5 * 60 * 1000};
constexpr Millis kMaxDrainWait{7LL * 24 * 60 * 60 * 1000};
constexpr Millis kMaxSilence{60 * 1000};  ///< a daemon speaks every 15 seconds
constexpr size_t kMaxEventBytes = 1024 * 1024;
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

/// The events of a stop tell how many calls it waits for: they are followed, and the stop
/// is asked for by the first that has come. Where they cannot be had it is asked for alone.
class Stopper {
  public:
    Stopper(ControlClient& client, const char* path) : client_(client), path_(path) {}

    Result<ControlReply> run(const Options& options) {
        Result<ControlClient> listener = admin_client(options);
        if (listener) {
            ControlRequest request;
            request.target = kAdminEvents;
            request.timeout = kMaxSilence;
            // That it breaks off is what a stop may come to.
            (void)listener->exchange(request, [this](const ControlReply&,
                                                     std::string_view bytes) {
                ask();
                return reply_ && *reply_ && (*reply_)->status / 100 == 2 && show(bytes);
            });
        }
        ask();
        return std::move(*reply_);
    }

  private:
    void ask() {
        if (!reply_) {
            ControlRequest request;
            request.method = "POST";
            request.target = path_;
            reply_ = client_.exchange(request);
        }
    }
    bool show(std::string_view in) {
        for (;;) {
            const SseStep step = decoder_.decode(in);
            in.remove_prefix(step.used);
            if (step.state != Scan::kDone) {
                return step.state != Scan::kBad;
            }
            const std::string text(decoder_.data());
            const auto calls = JsonView(text).find("calls_in_flight").as_int64();
            if (calls && *calls > 0) {
                std::fprintf(stderr, "neurond: waiting for %s %s\n",
                             std::to_string(*calls).c_str(),
                             *calls == 1 ? "call" : "calls");
            }
        }
    }

    ControlClient& client_;
    const char* path_;
    std::optional<Result<ControlReply>> reply_;
    SseDecoder decoder_{kMaxEventBytes};
};

int stop(const Options& options, const char* path, Millis longest) {
    Result<ControlClient> client = admin_client(options);
    if (!client) {
        return fail(client.error());
    }
    const Result<std::string> status = admin_get(*client, kAdminStatus);
    if (!status) {
        return fail(status.error());
    }
    const Fd process = open_process(JsonView(*status).find("pid"));
    const std::string name = "neurond (pid " + cell(JsonView(*status), "pid") + ")";

    const TimePoint begin = monotonic_now();
    const Result<ControlReply> reply = Stopper(*client, path).run(options);
    if (!reply) {
        return fail(reply.error());
    }
    if (reply->status / 100 != 2) {
        return fail(Error{"stop " + name + ": " + refusal_text(*reply)});
    }
    while (!has_gone(process, *client)) {
        if (monotonic_now() - begin > longest) {
            return fail(Error{"stop " + name + ": it is still there after " +
                              to_words(static_cast<uint64_t>(longest.count() / 1000))});
        }
    }
    const std::chrono::duration<double> took = monotonic_now() - begin;
    std::printf("%s has stopped (%.1f s)\n", name.c_str(), took.count());
    return kExitDone;
}

}  // namespace

int run_stop(const Options& options) {
    return stop(options, kAdminStop, kMaxStopWait);
}

int run_drain(const Options& options) {
    return stop(options, kAdminDrain, kMaxDrainWait);
}

}  // namespace neuron
