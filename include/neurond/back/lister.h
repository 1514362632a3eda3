#ifndef NEUROND_BACK_LISTER_H
#define NEUROND_BACK_LISTER_H

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "neurond/mcp/offer.h"

namespace neuron {

/// Puts the pages of a server's lists together, one kind after the other. Pure; who asks
/// for the pages is its user.
class Lister {
  public:
    enum class Next {
        kPage,    ///< ask for a page of kind(), with cursor()
        kDone,    ///< take_offer()
        kFailed,  ///< why(): without its tools a server is of no use
    };

    /// Lists these kinds anew. `known` is what the server offered so far, null at first:
    /// its other kinds stay, and a kind that cannot be listed any more does too.
    Next begin(std::deque<ItemKind> kinds, const Offer* known);
    /// `result`: the validated result object of a page.
    Next on_page(const Slice& result);
    /// The page that was asked for will not come.
    Next on_refused(const std::string& why);

    ItemKind kind() const noexcept { return kinds_.front(); }
    const std::optional<std::string>& cursor() const noexcept { return cursor_; }
    const std::string& why() const noexcept { return why_; }
    std::shared_ptr<Offer> take_offer() { return std::move(offer_); }

  private:
    Next next_kind();

    std::deque<ItemKind> kinds_;  ///< still to list; the first is being listed
    std::shared_ptr<Offer> offer_;
    Offer::List before_;  ///< of the kind that is being listed
    bool first_ = true;
    std::optional<std::string> cursor_;
    unsigned pages_ = 0;
    std::string why_;
};

}  // namespace neuron

#endif
