// The daemon's side of the helpers: one socketpair, a table of requests in hand. What
// the helpers do stands in helper_role.cc.

#include "neurond/loop/helper.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <csignal>
#include <cstring>

#include "neurond/base/limits.h"
#include "neurond/base/log.h"

namespace neuron {

namespace {

constexpr Millis kStartInterval{1000};
constexpr const char* kSelf = "/proc/self/exe";

const char* name_of(HelperRole role) noexcept {
    switch (role) {
        case HelperRole::kResolver:
            return "resolver";
        case HelperRole::kWriter:
            return "writer";
    }
    return "";
}

}  // namespace

Helper::Helper(EventLoop& loop, Children& children, HelperRole role)
    : loop_(loop),
      children_(children),
      role_(role),
      last_start_(loop.now() - kStartInterval),
      failures_(loop, Phase::kSoon, [this] { deliver_failures(); }) {}

Helper::~Helper() {
    if (pid_ != 0) {
        children_.forget(pid_);  // it ends by itself when the socket closes
    }
}

Status Helper::start() {
    if (loop_.now() - last_start_ < kStartInterval) {
        return Error{std::string("start ") + name_of(role_) + ": it has just died", 0};
    }
    last_start_ = loop_.now();
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return sys_error("socketpair for", name_of(role_));
    }
    Fd ours(pair[0]);
    Fd theirs(pair[1]);
    SpawnPlan plan;
    plan.path = kSelf;
    plan.argv = {"neurond", std::string(kHelperOption) + name_of(role_)};
    plan.fds = {{theirs.get(), 0}, {2, 1}, {2, 2}};
    Result<pid_t> pid = spawn(plan);
    if (!pid) {
        return pid.error();
    }
    pid_ = *pid;
    children_.watch(pid_, *this);
    socket_ = std::move(ours);
    watch_ = std::make_unique<Watch>(loop_, socket_.get(),
                                     static_cast<EventHandler&>(*this));
    watch_->set(EPOLLIN);
    return Ok{};
}

void Helper::request(std::string_view request, int fd, Answer done) {
    if (!socket_) {
        if (Status started = start(); !started) {
            failed_.emplace_back(std::move(done), started.error().message);
            failures_.schedule();
            return;
        }
    }
    const uint64_t id = next_id_++;
    if (!send(id, request, fd)) {
        failed_.emplace_back(std::move(done),
                             sys_error("send to", name_of(role_)).message);
        failures_.schedule();
        return;
    }
    waiting_.emplace(id, std::move(done));
}

/// A full socket is a failure, not a wait: the helper is then seconds behind.
bool Helper::send(uint64_t id, std::string_view request, int fd) {
    if (request.size() > kMaxHelperMessageBytes - sizeof id) {
        errno = EMSGSIZE;  // the kernel takes more than the helper does
        return false;
    }
    iovec parts[2] = {{&id, sizeof id},
                      {const_cast<char*>(request.data()), request.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    if (fd >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    return ::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

void Helper::on_ready(uint32_t) {
    char datagram[kMaxHelperMessageBytes];
    for (;;) {
        const ssize_t n =
            ::recv(socket_.get(), datagram, sizeof datagram, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        uint64_t id = 0;
        if (n < static_cast<ssize_t>(sizeof id + 1)) {
            fail_all(std::string(name_of(role_)) + " is gone");
            return;
        }
        std::memcpy(&id, datagram, sizeof id);
        const auto found = waiting_.find(id);
        if (found == waiting_.end()) {
            continue;
        }
        const Answer done = std::move(found->second);
        waiting_.erase(found);
        const std::string_view text(datagram + sizeof id,
                                    static_cast<size_t>(n) - sizeof id);
        done(text.front() == '+', text.substr(1));
        if (!socket_) {
            return;
        }
    }
}

void Helper::on_exit(pid_t, ExitStatus status) {
    log_warn("loop", "%s helper %s", name_of(role_), status.to_string().c_str());
    pid_ = 0;
    fail_all(std::string(name_of(role_)) + " " + status.to_string());
}

void Helper::fail_all(const std::string& why) {
    watch_.reset();
    socket_.reset();
    for (auto& [id, done] : waiting_) {
        failed_.emplace_back(std::move(done), why);
    }
    waiting_.clear();
    if (!failed_.empty()) {
        failures_.schedule();
    }
    if (pid_ != 0) {
        children_.kill_group(pid_, SIGKILL);
        children_.forget(pid_);
        pid_ = 0;
    }
}

void Helper::deliver_failures() {
    std::vector<std::pair<Answer, std::string>> failed;
    failed.swap(failed_);
    for (const auto& [done, why] : failed) {
        done(false, why);
    }
}

}  // namespace neuron
