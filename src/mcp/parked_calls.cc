// Where parked calls meet the router: their questions and answers come here, and go on to
// whoever waits at the time.

#include "neurond/mcp/parked_calls.h"

#include <algorithm>

#include "neurond/base/crypto.h"
#include "neurond/mcp/router.h"

namespace neuron {

/// The key dies with the process, as parked calls do: a state of an earlier one is none.
ParkedCalls::ParkedCalls(EventLoop& loop, Router& router, const ParkingLimits& limits)
    : loop_(loop),
      router_(router),
      parking_(random_bytes(kAeadKeyBytes), limits, static_cast<ParkingUser&>(*this)),
      registration_(router.parties().askers, *this),
      timer_(loop, [this] {
          parking_.on_time(loop_.now());
          arm();
      }) {}

void ParkedCalls::arm() {
    const std::optional<TimePoint> next = parking_.next();
    if (!next) {
        timer_.cancel();
        return;
    }
    timer_.arm(std::max(std::chrono::ceil<Millis>(*next - loop_.now()), Millis{1}));
}

void ParkedCalls::adopt(Call& call) {
    if (!has(call)) {
        call.request.tag = parking_.add(call, {call.request.asker, call.request.tag, {}});
        call.request.asker = registration_.handle();
    }
}

void ParkedCalls::forget(const Call& call) {
    parking_.forget(call.request.tag);
    arm();
}

std::optional<Answer> ParkedCalls::read_again(const Call& call, const Answer& answer) {
    std::optional<Answer> out = parking_.read_again(call, answer, loop_.now());
    if (out) {
        arm();
    }
    return out;
}

Parking::Claim ParkedCalls::claim(const Call& retry) {
    return parking_.claim(retry.request, retry.handle, loop_.now());
}

bool ParkedCalls::go_on(Parking::Id id, const Call& retry) {
    // The router may be done with the retry before the table is.
    const CallRequest request = retry.request;
    if (const ParkedCall* parked = parking_.find(id); parked != nullptr) {
        take_level(parked->call, request.log_level);
    }
    const bool taken = parking_.go_on(id, request, loop_.now());
    arm();
    return taken;
}

/// Which messages are wanted is for each request to say.
void ParkedCalls::take_level(CallHandle handle, std::optional<MessageLevel> level) {
    Call* call = router_.find_call(handle);
    if (call == nullptr || call->request.log_level == level) {
        return;
    }
    call->request.log_level = level;
    Answerer* server = router_.parties().answerers.find(call->entry->answerer);
    if (level && server != nullptr) {
        server->on_wanted_level();
    }
}

void ParkedCalls::lost(Parking::Id id, const Call& retry) {
    parking_.lost(id, retry.handle);
    arm();
}

void ParkedCalls::close() {
    parking_.close();
    arm();
}

void ParkedCalls::on_notice(uint64_t tag, const Notice& notice) {
    const ParkedCall* parked = parking_.find(tag);
    if (parked == nullptr || !parked->waiter) {
        return;  // nobody listens: of all there is to say it may be dropped
    }
    const ParkedWaiter waiter = *parked->waiter;
    if (waiter.retry) {
        router_.on_notice(waiter.retry, notice);
    } else if (Asker* asker = router_.parties().askers.find(waiter.asker);
               asker != nullptr) {
        asker->on_notice(waiter.tag, notice);
    }
}

InputOutcome ParkedCalls::on_input(uint64_t tag, const InputRound& round) {
    const InputOutcome outcome = parking_.ask(tag, round, loop_.now());
    arm();
    return outcome;
}

void ParkedCalls::on_input_withdrawn(uint64_t tag, const std::string& key) {
    parking_.withdraw(tag, key);
}

void ParkedCalls::on_answer(uint64_t tag, const Answer& answer) {
    parking_.answer(tag, answer);
    arm();
}

void ParkedCalls::parked_away(CallHandle handle, bool away) {
    Call* call = router_.find_call(handle);
    Answerer* server =
        call == nullptr ? nullptr : router_.parties().answerers.find(call->entry->answerer);
    if (server != nullptr) {
        server->on_away(*call, away);
    }
}

void ParkedCalls::parked_reply(CallHandle call, const InputReply& reply) {
    router_.reply(call, reply);
}

void ParkedCalls::parked_fail(CallHandle call, OwnError why) {
    router_.fail(call, std::move(why));
}

void ParkedCalls::parked_take_back(CallHandle call) {
    router_.cancel(call);
}

void ParkedCalls::parked_tell(const ParkedWaiter& waiter, const Answer& answer) {
    if (waiter.retry) {
        router_.finish_retry(waiter.retry, answer);
    } else if (Asker* asker = router_.parties().askers.find(waiter.asker);
               asker != nullptr) {
        asker->on_answer(waiter.tag, answer);
    }
}

}  // namespace neuron
