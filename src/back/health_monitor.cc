// The clock of a health check. The rules are health_check's.

#include "neurond/back/health_monitor.h"

#include <algorithm>

#include "neurond/mcp/leg_modern.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

namespace {

HealthCheck::Reply reply_of(std::string_view error) {
    const auto code = JsonView(error).find("code").as_int64();
    return code == static_cast<int64_t>(JsonRpcError::kMethodNotFound)
               ? HealthCheck::Reply::kMethodNotFound
               : HealthCheck::Reply::kError;
}

}  // namespace

const char* write_question(OutQueue& out, uint64_t id, HealthCheck::Question question,
                           Revision revision) {
    switch (question) {
        case HealthCheck::Question::kPing:
            break;
        case HealthCheck::Question::kListTools:
            leg_of(revision).write_list(out, id, ItemKind::kTool, std::nullopt);
            return "tools/list";
        case HealthCheck::Question::kDiscover:
            write_discover(out, id);
            return "server/discover";
    }
    write_ping(out, id);
    return "ping";
}

HealthMonitor::HealthMonitor(EventLoop& loop, const HealthSettings& settings,
                             HealthUser& user)
    : loop_(loop),
      user_(user),
      check_(settings),
      no_answer_("it did not answer a health check within " +
                 std::to_string(settings.timeout.count()) + " ms"),
      timer_(loop, [this] {
          act(check_.on_time(loop_.now(), user_.patience()), no_answer_);
      }) {}

void HealthMonitor::begin(bool modern) {
    if (!check_.enabled()) {
        return;
    }
    running_ = true;
    check_.begin(modern, loop_.now());
    arm();
}

void HealthMonitor::stop() {
    running_ = false;
    timer_.cancel();
}

void HealthMonitor::arm() {
    const auto wait = std::max(TimePoint::duration::zero(), check_.due() - loop_.now());
    timer_.arm(std::chrono::ceil<Millis>(wait));
}

/// The timer is not moved: it finds out for itself that there is nothing to ask.
void HealthMonitor::on_message() {
    if (running_ && check_.on_message(loop_.now()) == HealthCheck::Verdict::kHealthy) {
        user_.on_verdict(HealthCheck::Verdict::kHealthy, {});
    }
}

void HealthMonitor::on_reply(uint64_t id, bool is_result, std::string_view body) {
    if (running_ && id == asked_) {
        asked_ = 0;
        act(check_.on_reply(is_result ? HealthCheck::Reply::kResult : reply_of(body),
                            loop_.now()),
            "it answered a health check with an error");
    }
}

void HealthMonitor::on_failure(uint64_t id, const std::string& why) {
    if (running_ && id == asked_) {
        asked_ = 0;
        act(check_.on_failure(loop_.now(), user_.patience()),
            "a health check failed: " + why);
    }
}

void HealthMonitor::act(HealthCheck::Step step, const std::string& why) {
    using Verdict = HealthCheck::Verdict;
    if (step.verdict == Verdict::kHung) {
        stop();
    } else {
        if (step.ask) {
            if (asked_ != 0) {
                user_.forget_question(asked_);
            }
            asked_ = user_.ask(check_.question());
        }
        arm();
    }
    if (step.verdict != Verdict::kNone) {
        user_.on_verdict(step.verdict, why);
    }
}

}  // namespace neuron
