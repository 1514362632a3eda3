// `neurond connect`: for programs that can only start a command. The daemon does all the
// work; this is a cable, and stays small enough for one a window.

#include "neurond/cli/connect.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "neurond/base/text.h"
#include "neurond/cli/admin.h"
#include "neurond/cli/config_place.h"
#include "neurond/cli/options.h"
#include "neurond/cli/pump.h"
#include "neurond/cli/verbs.h"
#include "neurond/conf/check.h"
#include "neurond/conf/value.h"
#include "neurond/loop/signals.h"
#include "neurond/net/address.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

constexpr int kRetryMillis = 50;
constexpr Millis kQuietWait{1000};
constexpr conf::KeySpec kWaitSpec = {"wait",
                                     conf::Type::kDuration,
                                     "30s",
                                     nullptr,
                                     0,
                                     60 * 60 * 1000,
                                     conf::Applies::kOnRestart,
                                     false,
                                     "How long to wait for a daemon that is starting."};

/// A daemon that starts has not made its socket yet, or not listened at it; one that is
/// overwhelmed has a full queue.
bool may_come(int err) noexcept {
    return err == ENOENT || err == ECONNREFUSED || err == EAGAIN || err == EINTR;
}

Result<Fd> connect_to(const std::string& path) {
    const Result<Address> address = Address::from_unix_path(path);
    if (!address) {
        return address.error();
    }
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd || ::connect(fd.get(), address->get(), address->size()) != 0) {
        return sys_error("connect", path);
    }
    return fd;
}

/// The first that answers; else the most telling failure: nothing there tells least.
Result<Fd> connect_to_any(const std::vector<std::string>& paths) {
    Error why{"there is no socket to connect to", ENOENT};
    for (const std::string& path : paths) {
        Result<Fd> fd = connect_to(path);
        if (fd || !may_come(fd.error().sys)) {
            return fd;
        }
        why = fd.error();
    }
    return why;
}

Result<Millis> wait_of(const Options& options) {
    const std::string text = options.wait.empty() ? kWaitSpec.initial : options.wait;
    const Result<int64_t> millis = conf::parse_number(kWaitSpec, text);
    if (!millis) {
        return Error{"--wait " + escape(text, 64) + ": " + millis.error().message};
    }
    return Millis(*millis);
}

Status check_view(const std::string& names, const std::string& space) {
    if (names != "plain" && names != "strict") {
        return Error{"--names " + escape(names, 64) + ": expected plain or strict"};
    }
    return space.empty() ? Status(Ok{}) : conf::check_namespace(space);
}

}  // namespace

std::string view_line(std::string_view names, std::string_view space) {
    JsonWriter w;
    w.begin_object().key("jsonrpc").string("2.0");
    w.key("method").string("notifications/neurond/view");
    w.key("params").begin_object().key("names").string(names);
    if (!space.empty()) {
        w.key("namespace").string(space);
    }
    return w.end_object().end_object().take() + "\n";
}

Result<Fd> connect_waiting(const std::vector<std::string>& paths, Millis wait) {
    const TimePoint begin = monotonic_now();
    bool noted = false;
    for (;;) {
        Result<Fd> fd = connect_to_any(paths);
        if (fd || !may_come(fd.error().sys)) {
            return fd;
        }
        const auto waited = monotonic_now() - begin;
        if (waited >= wait) {
            return Error{"neurond is not running: no answer at " + paths.front() +
                             "; start it with 'neurond -d', or its service",
                         fd.error().sys};
        }
        if (!noted && waited >= kQuietWait) {
            noted = true;
            std::fprintf(stderr, "neurond: no answer at %s yet, waiting\n",
                         paths.front().c_str());
        }
        ::poll(nullptr, 0, kRetryMillis);
    }
}

int run_connect(const Options& options) {
    const std::string names = options.names.empty() ? "strict" : options.names;
    const std::string space = options.args.empty() ? "" : options.args[0];
    const Result<Millis> wait = wait_of(options);
    const Status view = check_view(names, space);
    if (!wait || !view) {
        return print_usage_error(wait ? view.error() : wait.error());
    }
    const Result<std::vector<std::string>> paths = find_local_sockets(options);
    if (!paths) {
        return fail(paths.error());
    }
    const Result<Fd> socket = connect_waiting(*paths, *wait);
    if (!socket) {
        return fail(socket.error());
    }
    const std::string peer = Address::peer_of(socket->get()).to_string();
    ignore_broken_pipes();
    const Status done =
        pump({STDIN_FILENO, STDOUT_FILENO, socket->get()}, view_line(names, space));
    if (!done) {
        return fail(Error{"the session with the daemon at " + peer +
                          " is over: " + done.error().message});
    }
    return kExitDone;
}

}  // namespace neuron
