#ifndef NEUROND_FRONT_LINK_CALLS_H
#define NEUROND_FRONT_LINK_CALLS_H

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "neurond/front/link_peer.h"
#include "neurond/mcp/client_questions.h"
#include "neurond/mcp/door.h"
#include "neurond/mcp/router.h"
#include "neurond/mcp/subscriptions.h"

namespace neuron {

class LinkCallsOwner {
  public:
    /// A call, or a batch, is over.
    virtual void on_call_over() = 0;
    /// The legacy client has been shown this list from its beginning.
    virtual void on_list_shown(ItemKind kind) = 0;

  protected:
    ~LinkCallsOwner() = default;
};

/// What the client of a link has asked for and waits for: its calls, which of them belong
/// to one batch, and what their servers ask it meanwhile.
class LinkCalls final : public Asker {
  public:
    /// `peer` and `voice` outlive it.
    LinkCalls(Router& router, const LinkPeer& peer, LinkVoice& voice,
              LinkCallsOwner& owner);
    ~LinkCalls();

    /// Unique among all who ask now: the party of legacy requests on this link.
    std::string party() const;
    /// Nothing is waited for.
    bool idle() const noexcept { return items_.empty() && batch_now_ == 0; }

    /// What is said and called from here to end_batch() belongs to one batch.
    void begin_batch();
    void end_batch();
    bool in_batch() const noexcept { return batch_now_ != 0; }
    /// An answer that is there already.
    void say(OutQueue&& message) { say(std::move(message), batch_now_); }

    /// `request` as its door has read it.
    void call(std::string_view id_raw, const Door& door, CallRequest request,
              std::string request_id);
    /// Answers with a list, once it is known what this client sees.
    void list(std::string_view id_raw, const Door& door, DoorRequest asked);
    /// Subscribes; the answer is its server's.
    void subscribe(std::string_view id_raw, const Door& door, Subscriber& news,
                   const std::string& uri, std::string request_id);
    /// Takes back the call with this id, if there is one. Ids compare with type.
    void cancel(std::string_view id_raw);
    /// What the client says to a question with this id; ignored where nobody waits for it.
    void reply(std::string_view id_raw, InputReply reply);
    /// The client says no more, and so replies no more.
    void withdraw_questions();
    /// Takes everything back: nobody is there to be answered.
    void drop();

    void on_notice(uint64_t tag, const Notice& notice) override;
    InputOutcome on_input(uint64_t tag, const InputRound& round) override;
    void on_input_withdrawn(uint64_t tag, const std::string& key) override;
    void on_answer(uint64_t tag, const Answer& answer) override;
    void on_lists_ready(uint64_t tag) override;

  private:
    struct Item {
        std::string id_raw;
        std::string token_raw;  ///< the client's progress token; empty = none wanted
        std::string request_id;
        const Door* door;
        uint64_t batch;  ///< 0 = none
        CallHandle call;
        DoorRequest list{};  ///< instead of a call
    };
    /// The answers to a batch, which go out together.
    struct Batch {
        OutQueue answers;
        size_t open = 0;  ///< requests not yet answered; one more while it is read
    };

    uint64_t add_item(std::string_view id_raw, const Door& door);
    void answer_item(uint64_t tag, const Answer& answer);
    void end_item(std::map<uint64_t, Item>::iterator item, OutQueue&& answer);
    InputOutcome pass_on(uint64_t tag, const InputRound& round);
    void send_question_cancelled(const std::string& id_raw);
    void say(OutQueue&& message, uint64_t batch);
    void answered(uint64_t batch);

    Router& router_;
    const LinkPeer& peer_;
    LinkVoice& voice_;
    LinkCallsOwner& owner_;
    Registration<Asker> registration_;
    ClientQuestions questions_;
    uint64_t asked_ = 0;      ///< questions put to it so far
    uint64_t batch_now_ = 0;  ///< whose messages are being read; 0 = none
    uint64_t last_tag_ = 0;
    uint64_t last_batch_ = 0;
    std::map<uint64_t, Item> items_;  ///< by tag
    std::map<uint64_t, Batch> batches_;
};

}  // namespace neuron

#endif
