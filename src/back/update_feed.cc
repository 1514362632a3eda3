// One subscription at a server for all clients of neurond.

#include "neurond/back/update_feed.h"

#include <algorithm>
#include <iterator>
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
    for (auto each = declined_.begin(); each != declined_.end();) {
        each = wanted_.count(*each) == 0 ? declined_.erase(each) : std::next(each);
    }
    if (!again_.armed()) {
        sync();
    }
}

void UpdateFeed::stop() {
    running_ = refused_ = lost_ = false;
    told_.clear();
    asked_.clear();
    declined_.clear();
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
    const std::set<std::string> uris = to_ask();
    for (const std::string& uri : uris) {
        if (told_.count(uri) == 0) {
            asked_[owner_.send_subscribe(uri, true)] = uri;
        }
    }
    for (const std::string& uri : told_) {
        if (uris.count(uri) == 0) {
            owner_.send_subscribe(uri, false);
        }
    }
    told_ = uris;
}

/// What is wanted, but for what has been asked for in vain.
std::set<std::string> UpdateFeed::to_ask() const {
    std::set<std::string> uris;
    std::set_difference(wanted_.begin(), wanted_.end(), declined_.begin(),
                        declined_.end(), std::inserter(uris, uris.end()));
    return uris;
}

/// False: it is not the answer to such a request.
bool UpdateFeed::on_subscribe_answer(uint64_t id, const Answer& answer) {
    const auto found = asked_.find(id);
    if (found == asked_.end()) {
        return false;
    }
    const std::string uri = std::move(found->second);
    asked_.erase(found);
    const bool again =
        std::any_of(asked_.begin(), asked_.end(),
                    [&uri](const auto& each) { return each.second == uri; });
    if (again || wanted_.count(uri) == 0) {
        return true;
    }
    if (answer.kind != Answer::Kind::kResult) {
        told_.erase(uri);
        declined_.insert(uri);
    }
    owner_.on_subscribed(uri, answer);
    return true;
}

bool UpdateFeed::may_listen() const {
    return !refused_ && (hello_.caps.list_changed ||
                         (hello_.caps.subscribe && !wanted_.empty()));
}

void UpdateFeed::sync_modern() {
    const std::set<std::string> uris =
        hello_.caps.subscribe ? to_ask() : std::set<std::string>();
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

void UpdateFeed::on_acknowledged(uint64_t listen,
                                 const std::set<std::string>& resources) {
    if (listen != next_listen_ || listen == 0) {
        return;
    }
    if (listen_ != 0) {
        owner_.end_listen(listen_);
    }
    listen_ = std::exchange(next_listen_, 0);
    const std::set<std::string> asked = std::exchange(opening_, {});
    std::set<std::string> missing;
    told_.clear();
    for (const std::string& uri : asked) {
        (resources.count(uri) != 0 ? told_ : missing).insert(uri);
    }
    const std::set<std::string> honoured = told_;
    declined_.insert(missing.begin(), missing.end());
    pause_ = kFirstPause;
    if (std::exchange(lost_, false)) {
        owner_.on_updates_missed();
    }
    sync();
    for (const std::string& uri : honoured) {
        owner_.on_subscribed(uri, Answer::result(Slice({}, "{}")));
    }
    refuse(missing);
}

/// Last: who wanted them may want something else now.
void UpdateFeed::refuse(const std::set<std::string>& uris) {
    OwnError why;
    why.code = JsonRpcError::kInvalidParams;
    why.message = "The server does not tell of changes of this resource";
    for (const std::string& uri : uris) {
        owner_.on_subscribed(uri, Answer::failure(why));
    }
}

void UpdateFeed::on_answer(uint64_t id, const Answer& answer) {
    if (!on_subscribe_answer(id, answer)) {
        on_over(id, answer.kind == Answer::Kind::kError);
    }
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
    if (refused) {
        refuse(to_ask());
    }
}

}  // namespace neuron
