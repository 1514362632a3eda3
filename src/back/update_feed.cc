// One subscription at a server for all clients of neurond.

#include "neurond/back/update_feed.h"

#include <algorithm>
#include <utility>

namespace neuron {

namespace {

constexpr Millis kFirstPause{1000};
constexpr Millis kLongestPause{60 * 1000};

}  // namespace

UpdateFeed::UpdateFeed(EventLoop& loop, UpdateFeedOwner& owner)
    : owner_(owner), pause_(kFirstPause), again_(loop, [this] { sync(); }) {}

void UpdateFeed::begin(const ServerHello& hello) {
    stop();
    running_ = true;
    hello_ = hello;
    lost_ = hello_.caps.list_changed;  // it was asked for its lists before this
    sync();
}

void UpdateFeed::want(std::set<std::string> uris) {
    wanted_ = std::move(uris);
    if (!again_.armed()) {
        sync();
    }
}

void UpdateFeed::stop() {
    running_ = refused_ = lost_ = false;
    told_.clear();
    listen_ = next_listen_ = 0;
    pause_ = kFirstPause;
    again_.cancel();
}

void UpdateFeed::sync() {
    if (!running_) {
        return;
    }
    if (is_legacy(hello_.revision)) {
        sync_legacy();
    } else {
        sync_modern();
    }
}

void UpdateFeed::sync_legacy() {
    if (!hello_.caps.subscribe) {
        return;
    }
    for (const std::string& uri : wanted_) {
        if (told_.count(uri) == 0) {
            owner_.send_subscribe(uri, true);
        }
    }
    for (const std::string& uri : told_) {
        if (wanted_.count(uri) == 0) {
            owner_.send_subscribe(uri, false);
        }
    }
    told_ = wanted_;
}

bool UpdateFeed::may_listen() const {
    return !refused_ && (hello_.caps.list_changed ||
                         (hello_.caps.subscribe && !wanted_.empty()));
}

void UpdateFeed::sync_modern() {
    const std::set<std::string> uris =
        hello_.caps.subscribe ? wanted_ : std::set<std::string>();
    if (next_listen_ != 0 || (listen_ != 0 && told_ == uris && may_listen())) {
        return;  // one at a time: its acknowledgement looks again
    }
    if (may_listen()) {
        opening_ = uris;
        next_listen_ = owner_.send_listen(opening_);
    } else if (listen_ != 0) {
        owner_.end_listen(std::exchange(listen_, 0));
    }
}

void UpdateFeed::on_acknowledged(uint64_t listen) {
    if (listen != next_listen_ || listen == 0) {
        return;
    }
    if (listen_ != 0) {
        owner_.end_listen(listen_);
    }
    listen_ = std::exchange(next_listen_, 0);
    told_ = opening_;
    pause_ = kFirstPause;
    if (std::exchange(lost_, false)) {
        owner_.on_updates_missed();
    }
    sync();
}

void UpdateFeed::on_over(uint64_t listen, bool refused) {
    if (listen == 0 || (listen != listen_ && listen != next_listen_)) {
        return;
    }
    refused_ = refused_ || refused;
    if (listen == listen_) {
        listen_ = 0;
        lost_ = true;
    } else {
        next_listen_ = 0;
    }
    again_.arm(pause_);
    pause_ = std::min(pause_ * 2, kLongestPause);
}

}  // namespace neuron
