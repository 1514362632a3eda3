#ifndef NEUROND_LOOP_HELPER_H
#define NEUROND_LOOP_HELPER_H

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "neurond/base/fd.h"
#include "neurond/base/result.h"
#include "neurond/loop/child.h"
#include "neurond/loop/event_loop.h"

namespace neuron {

/// The blocking work of the daemon, each kind done by neurond itself in another role.
enum class HelperRole { kResolver, kWriter };

/// Argument that makes the program a helper: `--helper=resolver`, `--helper=writer`;
/// `--helper=start` is no helper but the trampoline.
constexpr std::string_view kHelperOption = "--helper=";

/// A helper process and the requests it has in hand. Requests and answers are datagrams
/// on a socketpair; the helper does one request after the other, in order. A helper that
/// dies fails what it had in hand and is started again by the next request, at most once
/// a second.
class Helper final : private EventHandler, private ChildOwner {
  public:
    /// An answer begins with '+' (done) or '-' (failed; the rest says why).
    using Answer = std::function<void(bool ok, std::string_view text)>;

    Helper(EventLoop& loop, Children& children, HelperRole role);
    ~Helper();

    /// Queues `request` (eight bytes less than kMaxHelperMessageBytes, or it fails) for
    /// the helper, together with a duplicate of `fd` if that is not negative. `done` is
    /// called once, never before this returns.
    void request(std::string_view request, int fd, Answer done);
    size_t in_hand() const noexcept { return waiting_.size(); }
    pid_t pid() const noexcept { return pid_; }

  private:
    void on_ready(uint32_t events) override;
    void on_exit(pid_t pid, ExitStatus status) override;
    Status start();
    bool send(uint64_t id, std::string_view request, int fd);
    void fail_all(const std::string& why);
    void deliver_failures();

    EventLoop& loop_;
    Children& children_;
    HelperRole role_;
    Fd socket_;
    std::unique_ptr<Watch> watch_;
    pid_t pid_ = 0;
    TimePoint last_start_;
    uint64_t next_id_ = 1;
    std::unordered_map<uint64_t, Answer> waiting_;
    std::vector<std::pair<Answer, std::string>> failed_;
    Task failures_;
};

/// The request that has the writer force the descriptor's data to the medium.
std::string writer_sync_request();
/// The request that has the writer replace `path` atomically by `content`, mode `mode`.
std::string writer_replace_request(std::string_view path, unsigned mode,
                                   std::string_view content);
/// The same where the content is long: that of the memfd that goes with the request.
std::string writer_copy_request(std::string_view path, unsigned mode);
/// The request that has the writer remove a file; that it is not there is no failure.
std::string writer_remove_request(std::string_view path);
/// The request that has the resolver look up `host`; its answer is one numeric address a
/// line, in the resolver's order.
std::string resolver_request(std::string_view host);

/// Runs a helper on the socket at descriptor 0 until that closes, or the trampoline
/// ("start"). Returns an exit code.
int run_helper(std::string_view role);

}  // namespace neuron

#endif
