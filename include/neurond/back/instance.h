#ifndef NEUROND_BACK_INSTANCE_H
#define NEUROND_BACK_INSTANCE_H

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "neurond/back/stdio_process.h"
#include "neurond/base/log_limiter.h"
#include "neurond/mcp/catalog.h"
#include "neurond/mcp/exchange.h"
#include "neurond/mcp/leg_legacy.h"

namespace neuron {

/// Uses an instance: its downstream.
class InstanceOwner {
  public:
    /// The handshake is done and everything is listed; or the list has changed since.
    virtual void on_listed(std::shared_ptr<const Offer> offer) = 0;
    /// It takes more calls than a moment ago.
    virtual void on_instance_room() = 0;
    /// It has ended; every call it had has been answered. Retire it.
    virtual void on_instance_end(const std::string& why) = 0;

  protected:
    ~InstanceOwner() = default;
};

/// One life of a downstream: a process, its handshake, its calls in flight by our id.
///
///     kHandshake ──hello──> kListing ──last page──> kReady ──stop(), exit──> kEnding
class Instance final : private ProcessOwner {
  public:
    Instance(EventLoop& loop, Children& children, StderrTail& tail, CallSink& sink,
             InstanceOwner& owner, std::string server);
    ~Instance();

    Status start(const StdioCommand& command, Millis start_timeout);
    /// Answers what is in flight with `why`, then stops the process.
    void stop(const std::string& why);
    void kill() { process_.kill(); }

    bool ready() const noexcept { return state_ == State::kReady; }
    size_t in_flight() const noexcept { return calls_; }
    bool congested() { return process_.link().congested(); }
    pid_t pid() const noexcept { return process_.pid(); }
    const leg_legacy::ServerHello& hello() const noexcept { return hello_; }

    /// Sends a call. Only when ready().
    void send(Call& call);
    void cancel(const Call& call, CancelReason reason);

  private:
    enum class State { kHandshake, kListing, kReady, kEnding };
    enum class Pending { kCall, kInitialize, kList };

    struct Entry {
        Pending kind;
        CallHandle call;
    };

    void on_message(const JsonScanner& scan, const Slice& text) override;
    void on_garbage(const JsonScanner& scan, std::string_view head,
                    std::string_view id_raw) override;
    void on_oversized(std::string_view id_raw) override;
    void on_output_room() override { owner_.on_instance_room(); }
    void on_link_closed(const std::string& reason) override;
    void on_process_end(ExitStatus status) override;

    void on_answer(const JsonRpcMessage& message, const Slice& text);
    void on_bad_answer(std::string_view id_raw, const std::string& what);
    void complain(const std::string& what);
    void on_notification(const JsonRpcMessage& message, const JsonScanner& scan,
                         const Slice& text);
    void on_request(const JsonRpcMessage& message, std::string_view text);
    void on_hello(const JsonRpcMessage& message, const Slice& text);
    void on_page(const JsonRpcMessage& message, const Slice& text);
    void begin_list();
    void request_page(const std::optional<std::string>& cursor);
    void list_complete();
    void start_failed(const std::string& why);
    bool take_entry(uint64_t id, Entry& entry);
    void answer_all(const std::string& why, const char* type);
    void answer(CallHandle call, const Answer& answer);
    void transmit(OutQueue&& message);
    OwnError own_error(std::string message, const char* type) const;

    EventLoop& loop_;
    CallSink& sink_;
    InstanceOwner& owner_;
    std::string server_;
    StderrTail& tail_;
    State state_ = State::kHandshake;
    uint64_t next_id_ = 1;
    std::unordered_map<uint64_t, Entry> pending_;
    size_t calls_ = 0;
    leg_legacy::ServerHello hello_;
    std::shared_ptr<Offer> offer_;
    std::optional<std::string> last_cursor_;
    unsigned pages_ = 0;
    bool listing_ = false;
    bool list_again_ = false;
    std::string failure_;  ///< why we stop it ourselves
    LogLimiter complaints_;
    Timer start_timer_;
    Timer relist_timer_;
    Timer closed_timer_;
    StdioProcess process_;
};

}  // namespace neuron

#endif
