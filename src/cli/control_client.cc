// HTTP/1.1 as a client, blocking, one request at a time: what a verb needs to ask the
// daemon. The daemon's own door is on the other side of it; both read messages with the
// same parsers of wire.

#include "neurond/cli/control_client.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>

#include "neurond/base/limits.h"
#include "neurond/base/out_queue.h"
#include "neurond/base/text.h"
#include "neurond/net/address.h"
#include "neurond/wire/http_body.h"
#include "neurond/wire/http_head.h"
#include "neurond/wire/http_write.h"

namespace neuron {

namespace {

constexpr size_t kReadBytes = 64 * 1024;

void set_timeout(int fd, Millis timeout) {
    timeval time{};
    time.tv_sec = static_cast<time_t>(timeout.count() / 1000);
    time.tv_usec = static_cast<suseconds_t>(timeout.count() % 1000 * 1000);
    // A socket takes these; without them we would only wait longer.
    (void)::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    (void)::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

std::string write_request(const ControlRequest& request) {
    HttpHeadWriter head = HttpHeadWriter::request(request.method, request.target);
    head.field("Host", "localhost");
    for (const auto& [name, value] : request.fields) {
        head.field(name, value);
    }
    if (!request.body.empty()) {
        head.field("Content-Type", "application/json");
    }
    if (!request.body.empty() || request.method == "POST") {
        head.field("Content-Length", uint64_t{request.body.size()});
    }
    OutQueue out;
    head.finish(out);
    return out.to_string() + std::string(request.body);
}

bool nobody_there(int err) {
    return err == ENOENT || err == ECONNREFUSED || err == ENOTDIR;
}

/// Somebody took the connection, or could not even do that.
Error silence(const std::string& path, Millis waited) {
    return Error{"neurond does not answer (nothing came from " + path + " in " +
                     std::to_string((waited.count() + 999) / 1000) + " s)",
                 EAGAIN};
}

std::string_view media_type(std::string_view value) {
    return trim(value.substr(0, value.find(';')));
}

/// A kept connection that the daemon has closed meanwhile, or where it said something
/// nobody asked for, is no use.
bool is_quiet(int fd) {
    char byte = 0;
    return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN);
}

}  // namespace

Status ControlClient::connect(Millis timeout) {
    timeout_ = timeout;
    if (socket_ && is_quiet(socket_.get())) {
        set_timeout(socket_.get(), timeout);
        return Ok{};
    }
    const Result<Address> address = Address::from_unix_path(path_);
    if (!address) {
        return address.error();
    }
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) {
        return sys_error("make", "a socket");
    }
    set_timeout(fd.get(), timeout);
    int done = 0;
    do {
        done = ::connect(fd.get(), address->get(), address->size());
    } while (done != 0 && errno == EINTR);
    if (done != 0 && nobody_there(errno)) {
        return Error{"neurond is not running (no answer at " + path_ + ")", errno};
    }
    if (done != 0 && errno == EAGAIN) {
        return silence(path_, timeout);
    }
    if (done != 0 && errno == EACCES) {
        return Error{"you may not use " + path_ + " (Permission denied)", EACCES};
    }
    if (done != 0) {
        return sys_error("connect", path_);
    }
    socket_ = std::move(fd);
    return Ok{};
}

bool ControlClient::is_answered() {
    socket_.reset();
    const bool answered = static_cast<bool>(connect(Millis(1000)));
    socket_.reset();
    return answered;
}

Status ControlClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n =
            ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return sys_error("write", path_);
        }
        bytes.remove_prefix(static_cast<size_t>(n));
    }
    return Ok{};
}

/// Appends what has come; 0: the daemon closed the connection.
Result<size_t> ControlClient::receive(std::string& buffer) {
    const size_t before = buffer.size();
    buffer.resize(before + kReadBytes);
    ssize_t n = 0;
    do {
        n = ::recv(socket_.get(), buffer.data() + before, kReadBytes, 0);
    } while (n < 0 && errno == EINTR);
    const int err = errno;
    buffer.resize(before + (n > 0 ? static_cast<size_t>(n) : 0));
    if (n >= 0) {
        return static_cast<size_t>(n);
    }
    if (err == EAGAIN) {
        return silence(path_, timeout_);
    }
    return sys_error("read", path_, err);
}

/// `buffer` holds what has come, the body from `at` on; bytes are passed on as they come.
Status ControlClient::read_body(std::string& buffer, size_t at, const BodySink& sink,
                                BodyDecoder decoder, ControlReply& reply) {
    buffer.erase(0, at);
    while (!decoder.done()) {
        std::string_view in = buffer;
        while (!in.empty() && !decoder.done()) {
            const BodyStep step = decoder.decode(in);
            if (step.state == Scan::kBad) {
                return Error{"read " + path_ + ": " + decoder.why()};
            }
            if (decoder.body_bytes() > kMaxControlReplyBytes) {
                return Error{"read " + path_ + ": answer too large"};
            }
            in.remove_prefix(step.used);
            if (!sink(reply, step.body)) {
                socket_.reset();  // the rest would be taken for the next answer
                return Ok{};
            }
        }
        if (decoder.done()) {
            break;
        }
        buffer.clear();
        const Result<size_t> n = receive(buffer);
        if (!n) {
            return n.error();
        }
        if (*n == 0) {
            socket_.reset();
            return decoder.finish() == Scan::kDone
                       ? Status(Ok{})
                       : Error{"read " + path_ + ": answer cut short"};
        }
    }
    return Ok{};
}

Result<ControlReply> ControlClient::read_reply(const BodySink& sink) {
    std::string buffer;
    ResponseHead head;
    ResponseHeadParser parser{HeadLimits{}};
    HeadParse found = parser.parse(buffer, head);
    while (found.state == Scan::kMore ||
           (found.state == Scan::kDone && head.status / 100 == 1)) {
        if (found.state == Scan::kDone) {  // an interim answer: the real one follows
            buffer.erase(0, found.used);
            parser.reset();
        } else if (const Result<size_t> n = receive(buffer); !n) {
            return n.error();
        } else if (*n == 0) {
            return Error{"read " + path_ + ": connection closed before the answer",
                         ECONNRESET};
        }
        found = parser.parse(buffer, head);
    }
    const BodyFraming framing = response_framing(head, false);
    if (found.state == Scan::kBad || framing.kind == BodyFraming::Kind::kBad) {
        return Error{"read " + path_ + ": this is not neurond's control socket: " +
                     (found.state == Scan::kBad ? found.why : framing.why)};
    }
    ControlReply reply;
    reply.status = head.status;
    reply.content_type =
        to_lower(media_type(head.fields.field("Content-Type").value_or("")));
    reply.session_id = head.fields.field("Mcp-Session-Id").value_or("");
    const bool keep = keeps_alive(head.minor_version, head.fields);
    const BodySink collect = [&reply](const ControlReply&, std::string_view bytes) {
        reply.body += bytes;
        return true;
    };
    const BodySink& taker = sink != nullptr && reply.status == 200 ? sink : collect;
    if (Status s = read_body(buffer, found.used, taker, BodyDecoder(framing), reply);
        !s) {
        return s.error();
    }
    if (!keep) {
        socket_.reset();
    }
    return reply;
}

Result<ControlReply> ControlClient::exchange(const ControlRequest& request) {
    return exchange(request, nullptr);
}

Result<ControlReply> ControlClient::exchange(const ControlRequest& request,
                                             const BodySink& sink) {
    if (Status s = connect(request.timeout); !s) {
        return s.error();
    }
    if (Status s = send(write_request(request)); !s) {
        socket_.reset();
        return s.error();
    }
    Result<ControlReply> reply = read_reply(sink);
    if (!reply) {
        socket_.reset();
    }
    return reply;
}

}  // namespace neuron
