#ifndef NEUROND_MCP_PARKED_CALLS_H
#define NEUROND_MCP_PARKED_CALLS_H

#include <optional>
#include <string>

#include "neurond/loop/event_loop.h"
#include "neurond/mcp/exchange.h"
#include "neurond/mcp/parking.h"

namespace neuron {

class Router;

/// Parking in the loop: the asker of calls whose clients are asked by an answer.
class ParkedCalls final : public Asker, private ParkingUser {
  public:
    /// `limits` may change.
    ParkedCalls(EventLoop& loop, Router& router, const ParkingLimits& limits);

    /// Becomes the asker of a call whose server is about to ask; at most once each.
    void adopt(Call& call);
    /// Whether it is the asker of this call.
    bool has(const Call& call) const noexcept {
        return call.request.asker == registration_.handle();
    }
    /// A call of ours was taken back by who waited for its answer.
    void forget(const Call& call);

    /// The answer by which a client is asked to open URLs and to call again. Nothing where
    /// the server does not want that.
    std::optional<Answer> read_again(const Call& call, const Answer& answer);

    /// What a call claims by its state.
    Parking::Claim claim(const Call& retry);
    const ParkedCall* find(Parking::Id id) const { return parking_.find(id); }
    /// False: it is to be made as a call like any other.
    bool go_on(Parking::Id id, const Call& retry);
    void lost(Parking::Id id, const Call& retry);

    /// No client can come back any more.
    void close();
    size_t size() const noexcept { return parking_.size(); }
    size_t parked() const { return parking_.parked(); }
    size_t away() const { return parking_.away(); }

    void on_notice(uint64_t tag, const Notice& notice) override;
    InputOutcome on_input(uint64_t tag, const InputRound& round) override;
    void on_input_withdrawn(uint64_t tag, const std::string& key) override;
    void on_answer(uint64_t tag, const Answer& answer) override;

  private:
    void parked_away(CallHandle call, bool away) override;
    void parked_reply(CallHandle call, const InputReply& reply) override;
    void parked_fail(CallHandle call, OwnError why) override;
    void parked_take_back(CallHandle call) override;
    void parked_tell(const ParkedWaiter& waiter, const Answer& answer) override;
    void take_level(CallHandle handle, std::optional<MessageLevel> level);
    void arm();

    EventLoop& loop_;
    Router& router_;
    Parking parking_;
    Registration<Asker> registration_;
    Timer timer_;
};

}  // namespace neuron

#endif
