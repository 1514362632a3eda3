// When a server is asked for its lists, and for how long.

#include "neurond/back/listing.h"

namespace neuron {

namespace {

constexpr Millis kRelistDelay{100};

constexpr unsigned bit_of(ItemKind kind) {
    return 1U << static_cast<unsigned>(kind);
}

}  // namespace

Listing::Listing(EventLoop& loop, Millis patience, ListingOwner& owner)
    : owner_(owner),
      patience_(patience),
      delay_(loop, [this] { relist(); }),
      silence_(loop, [this] {
          const uint64_t id = *waiting_for_;
          owner_.forget_page(id);
          on_refused(id, std::string("it did not answer ") +
                             words_of(lister_.kind()).method + " in time");
      }) {}

void Listing::begin(const ServerHello& hello) {
    stop();
    hello_ = hello;
    known_ = nullptr;
    for (const ItemKind kind : kItemKinds) {
        changed_ |= bit_of(kind);
    }
    relist();
}

void Listing::on_notification(std::string_view method) {
    unsigned kinds = 0;
    if (method == "notifications/tools/list_changed") {
        kinds = bit_of(ItemKind::kTool);
    } else if (method == "notifications/prompts/list_changed") {
        kinds = bit_of(ItemKind::kPrompt);
    } else if (method == "notifications/resources/list_changed") {
        kinds = bit_of(ItemKind::kResource) | bit_of(ItemKind::kTemplate);
    }
    changed_ |= kinds;
    if (kinds != 0 && !waiting_for_ && !delay_.armed()) {
        delay_.arm(kRelistDelay);
    }
}

void Listing::relist_all() {
    for (const ItemKind kind : kItemKinds) {
        changed_ |= bit_of(kind);
    }
    if (!waiting_for_ && !delay_.armed()) {
        delay_.arm(kRelistDelay);
    }
}

void Listing::relist() {
    std::deque<ItemKind> kinds;
    for (const ItemKind kind : kItemKinds) {
        if ((changed_ & bit_of(kind)) != 0 && hello_.caps.has(kind)) {
            kinds.push_back(kind);
        }
    }
    changed_ = 0;
    go(lister_.begin(std::move(kinds), known_.get()));
}

void Listing::on_page(uint64_t id, const Slice& result) {
    if (waiting_for_ == id) {
        go(lister_.on_page(result));
    }
}

void Listing::on_refused(uint64_t id, const std::string& why) {
    if (waiting_for_ == id) {
        go(lister_.on_refused(why));
    }
}

void Listing::go(Lister::Next next) {
    waiting_for_.reset();
    silence_.cancel();
    switch (next) {
        case Lister::Next::kPage:
            silence_.arm(patience_);
            waiting_for_ = owner_.ask_for_page(lister_.kind(), lister_.cursor());
            return;
        case Lister::Next::kFailed:
            owner_.on_list_failed(lister_.why());
            return;
        case Lister::Next::kDone:
            break;
    }
    if (changed_ != 0) {
        delay_.arm(kRelistDelay);
    }
    std::shared_ptr<Offer> offer = lister_.take_offer();
    offer->caps = hello_.caps;
    offer->instructions = hello_.instructions;
    offer->revision = hello_.revision;
    known_ = offer;
    owner_.on_list_complete(std::move(offer));
}

void Listing::stop() {
    waiting_for_.reset();
    changed_ = 0;
    delay_.cancel();
    silence_.cancel();
}

}  // namespace neuron
