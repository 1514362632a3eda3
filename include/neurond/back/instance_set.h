#ifndef NEUROND_BACK_INSTANCE_SET_H
#define NEUROND_BACK_INSTANCE_SET_H

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "neurond/back/instance_slot.h"

namespace neuron {

/// Which instance of its downstream serves whom.
struct InstanceKey {
    std::string text;  ///< empty: the base instance
    ClientCaps caps;   ///< declared to the server when that instance is greeted
    std::string session{};  ///< the party that it serves alone, if that is a session

    /// For a call or a list of `party`, who is `identity` and declares `caps`. Until the
    /// era is known (`hello` null) a server counts as legacy.
    static InstanceKey of(const DownstreamSettings& settings, const ServerHello* hello,
                          const std::string& party, const Identity& identity,
                          ClientCaps caps);
    /// Of the instance that serves one party alone.
    static std::string of_party(const std::string& party) { return "party " + party; }
};

/// The instances of one downstream: the base one, which is always there, if only as a
/// place, and those that serve somebody in particular, which come and go.
class InstanceSet {
  public:
    InstanceSet(SlotContext context, SlotOwner& owner);

    InstanceSlot& base() noexcept { return *base_; }
    const InstanceSlot& base() const noexcept { return *base_; }
    /// Null when there is none.
    InstanceSlot* find(const std::string& key) const;
    /// The one of this key, made and started if need be. Null when there are
    /// max_instances already and all have work.
    InstanceSlot* obtain(const InstanceKey& key);
    /// There is one of this key, or room to make it without ending another.
    bool has_room_for(const std::string& key) const;
    /// Under which obtain() made it; empty for the base one and those being ended.
    std::string key_of(const InstanceSlot& slot) const;
    /// Ends the one of this key, if there is one, with all it has.
    void end(const std::string& key, const std::string& why);
    /// Ends all but the base one.
    void end_all(const std::string& why);
    /// Ends those that serve somebody in particular and have been idle for `idle`; says
    /// when to look again, if any is left.
    std::optional<TimePoint> end_idle(TimePoint now, Millis idle);
    /// Ends all of them.
    void stop(const std::string& why);
    void kill();
    /// Destroys those that have ended; to be called outside of slots' callbacks.
    void sweep();

    /// All but those that are being ended.
    size_t size() const noexcept { return 1 + slots_.size(); }
    bool all_stopped() const;
    size_t in_flight() const;
    size_t away() const;
    size_t queued() const;
    /// f(InstanceSlot&) for each, those being ended too; f must not make or end any.
    template <typename F>
    void for_each(F f) const {
        f(*base_);
        for (const auto& [key, slot] : slots_) {
            f(*slot);
        }
        for (const auto& slot : ending_) {
            f(*slot);
        }
    }
    /// Sends what waits, beginning elsewhere each time so that none is always last.
    void pump();

  private:
    bool make_room();
    void end_slot(std::map<std::string, std::unique_ptr<InstanceSlot>>::iterator which,
                  const std::string& why);

    SlotContext context_;
    SlotOwner& owner_;
    unsigned made_ = 0;
    size_t first_ = 0;  ///< of the next pump()
    std::unique_ptr<InstanceSlot> base_;
    std::map<std::string, std::unique_ptr<InstanceSlot>> slots_;
    std::vector<std::unique_ptr<InstanceSlot>> ending_;
};

}  // namespace neuron

#endif
