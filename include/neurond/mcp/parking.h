#ifndef NEUROND_MCP_PARKING_H
#define NEUROND_MCP_PARKING_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "neurond/base/clock.h"
#include "neurond/mcp/exchange.h"

namespace neuron {

struct ParkingLimits {
    size_t calls;   ///< parked at a time; one identity may have half of them, and half
                    ///< of the kMaxParkedBytes that are kept for all
    Millis expiry;  ///< for the client to come back
};

/// Whose request the answer of a parked call is for: the asker's that made the call, until
/// that has been answered by questions; then a retry's.
struct ParkedWaiter {
    AskerHandle asker;
    uint64_t tag = 0;
    CallHandle retry;  ///< if it is one's
};

/// What is done about parked calls. Any of these but the first may call back at once.
class ParkingUser {
  public:
    /// Its client is away from now on, or is back. Nobody may be called back from here.
    virtual void parked_away(CallHandle call, bool away) = 0;
    virtual void parked_reply(CallHandle call, const InputReply& reply) = 0;
    /// Ends the call; Parking::answer() follows.
    virtual void parked_fail(CallHandle call, OwnError why) = 0;
    /// Ends the call; nobody wants its answer any more.
    virtual void parked_take_back(CallHandle call) = 0;
    /// The answer to the request that waits.
    virtual void parked_tell(const ParkedWaiter& waiter, const Answer& answer) = 0;

  protected:
    ~ParkingUser() = default;
};

/// A call whose client is asked by an answer while its server waits (mcp-protocol 5.4).
///
///     running ──a question──> asking ──window over──> parked ──retry──> running
///
/// It is running or asking as long as somebody waits for its answer.
struct ParkedCall {
    CallHandle call;  ///< none: it is over, or is to be made again
    std::shared_ptr<const Catalog> catalog;
    std::shared_ptr<const CatalogEntry> entry;
    std::string request_id;  ///< of the request that made it
    std::string identity;
    std::string digest;
    CallKind kind = CallKind::kTool;
    size_t request_bytes = 0;  ///< of the client's request, as long as there is the call
    ClientCaps caps;  ///< of the latest request
    std::optional<ParkedWaiter> waiter;
    bool claimed = false;  ///< by a retry that has not gone on yet
    bool again = false;    ///< the server wants URLs visited, and the call made again
    std::vector<Question> questions;  ///< open ones
    size_t told = 0;                  ///< so many of them have gone out
    std::optional<Answer> answer;     ///< it came while nobody waited
    std::optional<OwnError> failure;  ///< it cannot go on
    std::optional<TimePoint> window;  ///< while asking: until when more may be added
    std::string nonce;                ///< of the state that is out; empty = none is
    TimePoint expires;                ///< while parked

    bool parked() const noexcept { return !waiter; }
};

/// The calls of clients that are asked by an answer. What a client is given to come back
/// with, its `requestState`, is sealed, good once, and bound to the client and the call.
/// Pure: it is told the time.
class Parking {
  public:
    using Id = uint64_t;

    /// `key` (kAeadKeyBytes) seals states. `limits` may change.
    Parking(std::string key, const ParkingLimits& limits, ParkingUser& user)
        : key_(std::move(key)), limits_(limits), user_(user) {}

    /// A call that may have to be parked, because its server is about to ask.
    Id add(const Call& call, ParkedWaiter waiter);
    /// Its server asks. What its client did not declare fails it; over a limit the server
    /// gets the reply of nobody.
    InputOutcome ask(Id id, const InputRound& round, TimePoint now);
    /// The server has taken a question back.
    void withdraw(Id id, const std::string& key);
    /// Its one answer: for who waits, or kept for who comes.
    void answer(Id id, const Answer& answer);
    /// It was taken back by whoever waited.
    void forget(Id id) { calls_.erase(id); }

    /// A -32042 of a server as questions, and a state with which the call is made again.
    /// Nothing: it is another error.
    std::optional<Answer> read_again(const Call& call, const Answer& answer,
                                     TimePoint now);

    /// What a request with a state of ours claims.
    struct Claim {
        Id id = 0;            ///< 0: none of ours, or refused
        std::string problem;  ///< why it is refused; empty = it is not
    };
    /// Its state is used up. go_on() or lost() follows.
    Claim claim(const CallRequest& request, CallHandle retry, TimePoint now);
    /// Null when it is over.
    const ParkedCall* find(Id id) const;
    /// The retry has been admitted: its replies reach the server, and it waits. False: it
    /// is to be made as a call like any other.
    bool go_on(Id id, const CallRequest& request, TimePoint now);
    /// The retry is over without an answer: so is the call.
    void lost(Id id, CallHandle retry);

    /// When on_time() is due.
    std::optional<TimePoint> next() const;
    void on_time(TimePoint now);
    /// No client can come back any more: takes back what is parked, and from now on
    /// servers get the reply of nobody.
    void close();

    size_t size() const noexcept { return calls_.size(); }
    /// Those that wait for their clients.
    size_t parked() const;
    /// … and are calls of a server still.
    size_t away() const;

  private:
    using Calls = std::map<Id, ParkedCall>;

    struct Kept {
        size_t places = 0;  ///< calls that are parked, or about to be
        size_t own = 0;     ///< … of one identity
        size_t bytes = 0;
        size_t own_bytes = 0;

        bool room_for(size_t more) const;
    };

    ParkedCall* lookup(Id id);
    Kept kept_beside(const ParkedCall& one) const;
    bool full(const ParkedCall& asking, const InputRound& round) const;
    void park(Id id, ParkedCall& parked, TimePoint now);
    Slice new_state(Id id, ParkedCall& parked, TimePoint now);
    Id open_state(const CallRequest& request, std::string& nonce) const;
    void end(Id id, const Answer& answer);
    bool go_on_again(Id id, ParkedCall& parked, const CallRequest& request,
                     TimePoint now);
    void on_due(Id id, ParkedCall& parked, TimePoint now);

    std::string key_;
    const ParkingLimits& limits_;
    ParkingUser& user_;
    Calls calls_;
    Id last_ = 0;
    bool closed_ = false;
};

}  // namespace neuron

#endif
