// `neurond host-tools`: the bundled server on stdin and stdout. It serves one client, so
// blocking reads and writes are all it needs; it ends when stdin does.

#include "neurond/cli/verbs.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>

#include "neurond/base/buffer.h"
#include "neurond/base/limits.h"
#include "neurond/cli/host_tools.h"
#include "neurond/cli/options.h"

namespace neuron {

namespace {

constexpr size_t kReadBytes = 64 * 1024;

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno != EINTR) {
            return false;
        }
        bytes.remove_prefix(n < 0 ? 0 : static_cast<size_t>(n));
    }
    return true;
}

ssize_t read_some(int fd, WriteSpan room) {
    ssize_t n = 0;
    do {
        n = ::read(fd, room.data, room.size);
    } while (n < 0 && errno == EINTR);
    return n;
}

/// Cuts what comes in into lines; one that is too long is dropped whole.
class LineServer {
  public:
    /// False when nobody reads the answers any more.
    bool take(Buffer& in, bool at_end);

  private:
    bool serve(std::string_view line);

    HostTools tools_;
    size_t looked_ = 0;  // bytes known to hold no line feed
    bool skipping_ = false;
};

bool LineServer::serve(std::string_view line) {
    std::string answer = tools_.handle(line);
    if (!tools_.complaint().empty()) {
        std::fprintf(stderr, "host-tools: read line: %s\n", tools_.complaint().c_str());
    }
    if (answer.empty()) {
        return true;
    }
    answer += '\n';
    return write_all(STDOUT_FILENO, answer);
}

bool LineServer::take(Buffer& in, bool at_end) {
    for (;;) {
        const std::string_view bytes = in.readable();
        const size_t end = bytes.find('\n', looked_);
        const bool whole = end != std::string_view::npos;
        if (!whole && bytes.size() > kMaxHostToolsLineBytes) {
            skipping_ = true;
            in.consume(bytes.size());
            looked_ = 0;
            return true;
        }
        if (!whole && !(at_end && !bytes.empty())) {
            looked_ = bytes.size();
            return true;
        }
        if (skipping_) {
            std::fputs("host-tools: read line: too long\n", stderr);
        } else if (!serve(bytes.substr(0, end))) {
            return false;
        }
        skipping_ = false;
        in.consume(whole ? end + 1 : bytes.size());
        looked_ = 0;
    }
}

}  // namespace

int run_host_tools(const Options&) {
    LineServer server;
    Buffer in;
    for (;;) {
        const WriteSpan room = in.space(kReadBytes);
        const ssize_t n = read_some(STDIN_FILENO, room);
        if (n < 0) {
            std::perror("host-tools: read stdin");
            return kExitFailed;
        }
        in.commit(static_cast<size_t>(n));
        if (!server.take(in, n == 0)) {
            return kExitFailed;
        }
        if (n == 0) {
            return kExitDone;
        }
    }
}

}  // namespace neuron
