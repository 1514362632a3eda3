#ifndef NEUROND_NET_LINK_MESSAGE_H
#define NEUROND_NET_LINK_MESSAGE_H

#include <string>
#include <string_view>

#include "neurond/net/link.h"
#include "neurond/wire/id_finder.h"
#include "neurond/wire/json_scan.h"

namespace neuron {

/// One message after the other while it arrives over a link: scanned as far as it has
/// come, let go as soon as it cannot become a message, told to the owner at its end.
class LinkMessage {
  public:
    LinkMessage(const LinkLimits& limits, LinkOwner& owner);

    /// Some more of it has come. `so_far` begins with its first byte; `more` is the memory
    /// that the next of it needs. False: its bytes are of no use any more; what follows of
    /// it goes to skip().
    bool grow(std::string_view so_far, size_t more);
    bool kept() const noexcept { return fate_ == Fate::kKept; }
    void skip(std::string_view bytes) { id_finder_.feed(bytes); }
    /// It ends. `whole`, which lies in `block`, is all of it where it was kept, else the
    /// bytes not shown to skip().
    void end(const BlockRef& block, std::string_view whole);
    /// The peer ends here: perhaps in the middle of it. Then no id is told.
    void cut(const BlockRef& block, std::string_view so_far);
    /// The next one begins.
    void reset();
    /// So much memory waits for the rest of it.
    void hold(size_t bytes) noexcept { arriving_.hold(limits_.serves ? bytes : 0); }

  private:
    enum class Fate { kKept, kGarbage, kOversized, kShed };

    bool sheds(size_t size, size_t more) const;
    void let_go(Fate fate, std::string_view so_far);
    void deliver(const BlockRef& block, std::string_view whole);
    void tell_loss();

    const LinkLimits& limits_;
    LinkOwner& owner_;
    Arriving arriving_;
    Fate fate_ = Fate::kKept;
    std::string head_;  ///< how it began, once it was let go
    JsonScanner scan_;
    IdFinder id_finder_;
};

}  // namespace neuron

#endif
