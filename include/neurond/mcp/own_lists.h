#ifndef NEUROND_MCP_OWN_LISTS_H
#define NEUROND_MCP_OWN_LISTS_H

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "neurond/mcp/catalog.h"
#include "neurond/mcp/exchange.h"

namespace neuron {

/// Which merged list a caller sees. Most see the one for all; a server that has an
/// instance for this caller alone may offer it something else, because older servers
/// choose what they list by what their client can do (mcp-protocol 4.9).
class OwnLists {
  public:
    explicit OwnLists(const Parties& parties) : parties_(parties) {}

    /// The list for all, which names every downstream.
    void set_base(std::shared_ptr<const Catalog> base);
    /// Callers who see the same share it.
    std::shared_ptr<const Catalog> of(const Requester& who) const;

    /// This caller is here: what serves it alone in this view is brought up ahead.
    void prepare(const View& view, const Requester& who) const;
    /// The same before it is shown a list. False: some of it is starting, and of() may
    /// soon be another; wait() for that.
    bool ready(const View& view, const Requester& who) const;
    /// Whether a call of something that is in no list may find it soon: what could have
    /// it is starting, or is now.
    bool may_appear(const CallRequest& request) const;
    /// `asker` is told by on_lists_ready(tag) when nothing is pending any more. When too
    /// many wait, who has waited longest is told now.
    void wait(const View& view, const Requester& who, AskerHandle asker, uint64_t tag);
    /// What serves somebody alone has come up or gone.
    void look_again();

  private:
    using Offers = std::vector<std::shared_ptr<const Offer>>;
    struct Variant {
        std::shared_ptr<const Catalog> catalog;
        uint64_t used = 0;
    };
    struct Wait {
        View view;
        Requester who;
        AskerHandle asker;
        uint64_t tag;
    };

    bool pending(const View& view, const Requester& who) const;
    template <typename F>
    void for_each(const View& view, F f) const;
    void make_room() const;

    const Parties& parties_;
    std::shared_ptr<const Catalog> base_;
    mutable std::map<Offers, Variant> variants_;
    mutable uint64_t uses_ = 0;
    std::vector<Wait> waits_;
};

}  // namespace neuron

#endif
