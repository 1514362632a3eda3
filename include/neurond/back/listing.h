#ifndef NEUROND_BACK_LISTING_H
#define NEUROND_BACK_LISTING_H

#include <memory>
#include <optional>
#include <string>

#include "neurond/back/lister.h"
#include "neurond/loop/event_loop.h"
#include "neurond/mcp/leg.h"

namespace neuron {

/// Asks the server for what a Listing wants to know, and is told what came of it.
class ListingOwner {
  public:
    /// Sends the request for a page; its id.
    virtual uint64_t ask_for_page(ItemKind kind,
                                  const std::optional<std::string>& cursor) = 0;
    /// No answer to it is wanted any more.
    virtual void forget_page(uint64_t id) = 0;
    virtual void on_list_complete(std::shared_ptr<Offer> offer) = 0;
    /// The first list cannot be had.
    virtual void on_list_failed(const std::string& why) = 0;

  protected:
    ~ListingOwner() = default;
};

/// Keeps what a server offers up to date: lists everything it declared once, and later a
/// kind again when the server says that it has changed. Announcements come in bursts, so
/// a moment is waited first; a server that never stops does not put it off.
class Listing {
  public:
    /// A page may take `patience`.
    Listing(EventLoop& loop, Millis patience, ListingOwner& owner);

    /// Lists everything of a server that has just been greeted.
    void begin(const ServerHello& hello);
    /// `method` may be a list_changed notification: then its kind is listed again.
    void on_notification(std::string_view method);
    /// Something may have been missed: everything is listed again.
    void relist_all();
    /// The request `id` was answered by this result.
    void on_page(uint64_t id, const Slice& result);
    /// … by an error, or not at all.
    void on_refused(uint64_t id, const std::string& why);
    /// Nothing more is wanted until begin().
    void stop();

  private:
    void relist();
    void go(Lister::Next next);

    ListingOwner& owner_;
    Millis patience_;
    ServerHello hello_;
    Lister lister_;
    std::shared_ptr<const Offer> known_;
    std::optional<uint64_t> waiting_for_;  ///< the page
    unsigned changed_ = 0;                 ///< kinds to be listed again, as bits
    Timer delay_;
    Timer silence_;
};

}  // namespace neuron

#endif
