#ifndef NEUROND_BACK_HEALTH_MONITOR_H
#define NEUROND_BACK_HEALTH_MONITOR_H

#include <cstdint>
#include <string>
#include <string_view>

#include "neurond/back/health_check.h"
#include "neurond/base/out_queue.h"
#include "neurond/loop/event_loop.h"
#include "neurond/mcp/revision.h"

namespace neuron {

/// Has a server asked whether it lives: an instance.
class HealthUser {
  public:
    /// Sends the question; the id of the request.
    virtual uint64_t ask(HealthCheck::Question question) = 0;
    /// Nobody waits for the answer to this request any more.
    virtual void forget_question(uint64_t id) = 0;
    /// Until when its silence is no sign of a hang.
    virtual TimePoint patience() const = 0;
    /// kHealthy: it has recovered; kHung is the last one.
    virtual void on_verdict(HealthCheck::Verdict verdict, const std::string& why) = 0;

  protected:
    ~HealthUser() = default;
};

/// Writes the request; its method.
const char* write_question(OutQueue& out, uint64_t id, HealthCheck::Question question,
                           Revision revision);

/// Drives the health check of one instance by the loop's clock.
class HealthMonitor {
  public:
    HealthMonitor(EventLoop& loop, const HealthSettings& settings, HealthUser& user);

    /// Ready from now on.
    void begin(bool modern);
    void stop();
    /// The server has said something, be it an answer to the question.
    void on_message();
    /// The answer to the question `id`: `body` is a result, or else an error object.
    void on_reply(uint64_t id, bool is_result, std::string_view body);
    void on_failure(uint64_t id, const std::string& why);

  private:
    void act(HealthCheck::Step step, const std::string& why);
    void arm();

    EventLoop& loop_;
    HealthUser& user_;
    HealthCheck check_;
    std::string no_answer_;  ///< "it did not answer within 5 s"
    bool running_ = false;
    uint64_t asked_ = 0;  ///< id of the question; 0 = none
    Timer timer_;
};

}  // namespace neuron

#endif
