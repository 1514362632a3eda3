// A dead, slow or forgetful cortexd must cost a node nothing but these few requests.

#include "neurond/fleet/membership.h"

#include <unistd.h>

#include <algorithm>
#include <climits>

#include "neurond/base/crypto.h"
#include "neurond/base/log.h"
#include "neurond/base/secrets.h"
#include "neurond/base/text.h"
#include "neurond/protocol.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

constexpr Millis kRegisterPatience{10 * 1000};
constexpr Millis kBeatPatience{5 * 1000};
constexpr Millis kLeavePatience{5 * 1000};
/// For a farewell to somebody who did not answer the last time either.
constexpr Millis kLeaveInDoubt{1000};
constexpr Millis kFirstPause{1000};
constexpr Millis kLongestPause{60 * 1000};
constexpr unsigned kMaxDoublings = 6;

/// Asked each time: a machine may get its name after it has started.
std::string host_name() {
    char name[HOST_NAME_MAX + 1] = "";
    if (::gethostname(name, sizeof name - 1) != 0) {
        return "localhost";
    }
    return name;
}

/// A fifth longer or shorter, so that a fleet does not come back in one moment.
Millis spread(Millis pause) {
    const auto dice = static_cast<unsigned char>(random_bytes(1)[0]);
    return pause * (80 + dice * 40 / 255) / 100;
}

Millis pause_after(unsigned failures) {
    const unsigned doublings = std::min(failures - 1, kMaxDoublings);
    return spread(std::min(kFirstPause * (1 << doublings), kLongestPause));
}

std::string register_body(const MembershipSettings& settings) {
    JsonWriter w;
    w.begin_object().key(kNodeIdField).string(settings.node_id);
    w.key(kNodeHostnameField).string(host_name());
    w.key(kNodeAddressField).string(settings.address);
    w.key(kNodePortField).integer(settings.port);
    w.key(kNodeCapabilitiesField).begin_array();
    for (const std::string& name : settings.capabilities) {
        w.string(name);
    }
    return w.end_array().end_object().take();
}

std::string node_body(const MembershipSettings& settings) {
    JsonWriter w;
    w.begin_object().key(kNodeIdField).string(settings.node_id).end_object();
    return w.take();
}

std::string place_of(const MembershipSettings& settings) {
    const Url& url = settings.cortexd.url;
    return url.scheme + "://" + authority_of(url) + url.path_and_query;
}

}  // namespace

bool is_same_membership(const MembershipSettings& a, const MembershipSettings& b) {
    return a.node_id == b.node_id && place_of(a) == place_of(b);
}

Membership::Membership(EventLoop& loop, ResolverCache& names,
                       MembershipSettings settings)
    : settings_(std::move(settings)),
      timer_(loop, [this] { on_timer(); }),
      pool_(loop, names, settings_.cortexd, [] {}) {}

Membership::~Membership() = default;

/// The one writer of state_.
void Membership::enter(State next) {
    state_ = next;
    timer_.cancel();
    switch (next) {
        case State::kMember:
            timer_.arm(settings_.heartbeat_interval);
            break;
        case State::kPausing:
            timer_.arm(pause_after(failures_));
            break;
        case State::kIdle:
        case State::kRegistering:
        case State::kBeating:
        case State::kLeaving:
        case State::kGone:
            break;
    }
}

bool Membership::asking() const noexcept {
    return state_ == State::kRegistering || state_ == State::kBeating ||
           state_ == State::kLeaving;
}

void Membership::join() {
    if (state_ == State::kIdle) {
        register_node();
    }
}

void Membership::change(MembershipSettings settings) {
    stale_ = stale_ || settings.address != settings_.address ||
             settings.port != settings_.port ||
             settings.capabilities != settings_.capabilities;
    settings_ = std::move(settings);
    if (state_ == State::kMember && stale_) {
        register_node();
    } else if (state_ == State::kMember) {
        enter(State::kMember);  // by the new interval
    }
}

void Membership::leave(std::function<void()> done) {
    left_ = std::move(done);
    const bool tell = known_ || state_ == State::kRegistering;
    if (asking()) {
        pool_.cancel(*this);
    }
    if (!tell) {
        gone();
        return;
    }
    post(State::kLeaving, kNodeDeregisterPath, node_body(settings_),
         known_ && failures_ == 0 ? kLeavePatience : kLeaveInDoubt);
}

std::string Membership::describe() const {
    if (state_ == State::kMember || state_ == State::kBeating) {
        return failures_ == 0 ? "registered" : "registered, but: " + trouble_;
    }
    return trouble_.empty() ? "not registered" : "not registered: " + trouble_;
}

// --- requests ------------------------------------------------------------------------

/// All three can be repeated: said twice they mean the same.
void Membership::post(State purpose, const char* path, std::string body,
                      Millis patience) {
    status_ = 0;
    HttpJob job;
    HttpHeadWriter head = request_head(settings_.cortexd, "POST",
                                       settings_.cortexd.url.path_and_query + path);
    head.field("Content-Type", "application/json");
    head.field("Accept", "application/json");
    head.field("Content-Length", body.size());
    head.finish(job.bytes);
    job.bytes.write(body);
    job.exchange = this;
    job.safe = true;
    enter(purpose);
    timer_.arm(patience);
    pool_.start(std::move(job));
}

void Membership::register_node() {
    stale_ = false;
    post(State::kRegistering, kNodeRegisterPath, register_body(settings_),
         kRegisterPatience);
}

void Membership::beat() {
    post(State::kBeating, kNodeHeartbeatPath, node_body(settings_), kBeatPatience);
}

void Membership::on_timer() {
    if (state_ == State::kMember) {
        beat();
    } else if (state_ == State::kPausing) {
        register_node();
    } else if (asking()) {
        pool_.cancel(*this);
        known_ = true;
        failed("no answer in time");
    }
}

void Membership::on_response(const ResponseHead& head) {
    status_ = head.status;
}

void Membership::on_complete() {
    known_ = true;
    if (status_ >= 200 && status_ < 300) {
        accepted();
    } else if (state_ == State::kBeating && (status_ == 404 || status_ == 410)) {
        log_info("fleet", "%s has forgotten this node: registering again",
                 escape(place_of(settings_)).c_str());
        register_node();
    } else {
        failed("answered " + std::to_string(status_));
    }
}

void Membership::on_failed(const HttpFailure& failure) {
    known_ = known_ || failure.sent;
    failed(failure.why);
}

void Membership::accepted() {
    if (state_ == State::kLeaving) {
        log_info("fleet", "deregistered from %s", escape(place_of(settings_)).c_str());
        gone();
        return;
    }
    if (state_ == State::kRegistering || failures_ > 0) {
        log_info("fleet", "registered with %s as %s",
                 escape(place_of(settings_)).c_str(), settings_.node_id.c_str());
    }
    failures_ = 0;
    trouble_.clear();
    if (stale_) {
        register_node();
    } else {
        enter(State::kMember);
    }
}

/// A heartbeat that failed is followed by the next one, in its time.
void Membership::failed(const std::string& why) {
    ++failures_;
    complain(why);
    if (state_ == State::kLeaving) {
        gone();
    } else if (state_ == State::kBeating && stale_) {
        register_node();
    } else {
        enter(state_ == State::kBeating ? State::kMember : State::kPausing);
    }
}

/// The same trouble is told once, however long it lasts.
void Membership::complain(const std::string& why) {
    const char* what = state_ == State::kLeaving    ? "deregister from "
                       : state_ == State::kBeating ? "heartbeat to "
                                                   : "register with ";
    const std::string text = mask_secrets(what + place_of(settings_) + ": " + why);
    const bool again = text == trouble_;
    trouble_ = text;
    const std::string shown = escape(text);
    if (again) {
        log_debug("fleet", "%s (%u failures in a row)", shown.c_str(), failures_);
    } else {
        log_warn("fleet", "%s", shown.c_str());
    }
}

void Membership::gone() {
    enter(State::kGone);
    const std::function<void()> done = std::exchange(left_, nullptr);
    done();
}

}  // namespace neuron
