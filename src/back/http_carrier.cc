// Streamable HTTP, client face (mcp-protocol 2.8): which headers go with a message, and
// what holds the POSTs of one server together.

#include "neurond/back/http_carrier.h"

#include <algorithm>

#include "neurond/base/limits.h"
#include "neurond/base/log.h"
#include "neurond/base/text.h"
#include "neurond/wire/mcp_header.h"

namespace neuron {

namespace {

constexpr Millis kFarewellTime{1000};
constexpr const char* kSessionField = "Mcp-Session-Id";

/// Visible ASCII (mcp-protocol 2.5), and not without end.
bool is_session_id(std::string_view id) noexcept {
    return !id.empty() && id.size() <= kMaxServerSessionIdBytes &&
           std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

AnswerLimits answer_limits(const HttpTarget& target) {
    return {target.message_max, target.json_depth};
}

/// An argument that the modern revision repeats.
bool is_param(std::string_view name, Revision revision) {
    return !is_legacy(revision) && starts_with(name, "Mcp-Param-");
}

/// What a server does twice is the same as once.
bool is_safe(std::string_view method) {
    return method == "tools/list" || method == "server/discover" || method == "ping";
}

}  // namespace

HttpCarrier::HttpCarrier(EventLoop& loop, ResolverCache& names, const HttpTarget& target,
                         CarrierOwner& owner)
    : loop_(loop),
      target_(target),
      owner_(owner),
      pool_(loop, names, target, [this] { owner_.on_output_room(); }),
      stream_(loop, pool_, answer_limits(target), true,
              static_cast<ServerStreamOwner&>(*this)),
      farewell_timer_(loop, [this] { end("stopped"); }),
      end_task_(loop, Phase::kSoon, [this] {
          owner_.on_carrier_end({EndCause::kUnreachable, {}, why_});
      }) {}

HttpCarrier::~HttpCarrier() = default;

// --- sending -------------------------------------------------------------------------

HttpHeadWriter HttpCarrier::post_head(const Outgoing& about) const {
    HttpHeadWriter head = request_head(target_, "POST", target_.url.path_and_query);
    head.field("Accept", "application/json, text/event-stream");
    head.field("Content-Type", "application/json");
    if (!is_legacy(about.revision)) {
        head.field("MCP-Protocol-Version", to_string(about.revision));
        head.try_field("Mcp-Method", about.method);
        if (!about.name.empty()) {
            head.field("Mcp-Name", encode_mcp_header(about.name));
        }
    } else if (about.method != "initialize") {
        head.field("MCP-Protocol-Version", to_string(about.revision));
        if (!session_.empty()) {
            head.field(kSessionField, session_);
        }
    }
    if (about.fields != nullptr) {
        for (const auto& [name, value] : *about.fields) {
            if (is_forwarded(target_, name) || is_param(name, about.revision)) {
                head.try_field(name, value);
            }
        }
    }
    return head;
}

std::vector<std::string> HttpCarrier::secrets_of(const Outgoing& about) const {
    std::vector<std::string> out = {session_};
    if (about.fields != nullptr) {
        const auto values = forwarded_values(target_, *about.fields);
        out.insert(out.end(), values.begin(), values.end());
    }
    return out;
}

HttpPost& HttpCarrier::add_post(HttpPost::Expect expect) {
    HttpPost& post = posts_.add(std::make_unique<HttpPost>(
        loop_, std::move(expect), answer_limits(target_),
        static_cast<HttpPostOwner&>(*this)));
    if (post.request() != 0) {
        requests_[post.request()] = &post;
    }
    return post;
}

void HttpCarrier::send(OutQueue&& message, const Outgoing& about) {
    const bool is_request = about.kind == Outgoing::Kind::kRequest;
    if (stopping_ || (!is_request && !is_legacy(about.revision))) {
        return;  // a modern server is told nothing but requests
    }
    const bool is_initialize = is_request && about.method == "initialize";
    if (is_initialize) {
        session_.clear();
        stream_.close();
    }
    HttpPost& post = add_post({is_request ? about.id : 0,
                               about.method == "server/discover", !session_.empty(),
                               is_request && is_legacy(about.revision),
                               secrets_of(about)});
    HttpJob job;
    HttpHeadWriter head = post_head(about);
    head.field("Content-Length", message.bytes()).finish(job.bytes);
    job.bytes.append(std::move(message));
    job.exchange = &post;
    job.safe = is_request && is_safe(about.method);
    job.urgent = !is_request || about.method == "subscriptions/listen";
    revision_ = to_string(about.revision);
    if (is_initialize) {
        initializing_ = &post;
    }
    if (initialized_ != nullptr) {
        held_.push_back({std::move(job), &post});
        return;
    }
    if (about.method == "notifications/initialized" && !is_request) {
        initialized_ = &post;
    }
    pool_.start(std::move(job));
}

/// Requests on other connections could overtake `initialized`, and be refused.
void HttpCarrier::initialized() {
    initialized_ = nullptr;
    std::vector<Held> held;
    held.swap(held_);
    for (Held& each : held) {
        pool_.start(std::move(each.job));
    }
    if (!stopping_) {
        stream_.open();
    }
}

void HttpCarrier::forget(uint64_t id) {
    const auto found = requests_.find(id);
    if (found != requests_.end()) {
        drop(*found->second);
    }
    drop_resumed(id);
}

void HttpCarrier::set_aside(uint64_t id, bool aside) {
    if (const auto found = requests_.find(id); found != requests_.end()) {
        pool_.set_aside(*found->second, aside);
    }
}

void HttpCarrier::drop_resumed(uint64_t request) {
    const auto found = resumed_.find(request);
    if (found != resumed_.end()) {
        found->second->close();
        loop_.retire(std::move(found->second));
        resumed_.erase(found);
    }
}

void HttpCarrier::drop(HttpPost& post) {
    pool_.cancel(post);
    initializing_ = &post == initializing_ ? nullptr : initializing_;
    initialized_ = &post == initialized_ ? nullptr : initialized_;
    farewell_ = &post == farewell_ ? nullptr : farewell_;
    requests_.erase(post.request());
    held_.erase(std::remove_if(held_.begin(), held_.end(),
                               [&post](const Held& each) { return each.post == &post; }),
                held_.end());
    loop_.retire(posts_.release(post));
}

// --- what comes back -----------------------------------------------------------------

void HttpCarrier::on_post_response(HttpPost& post, const ResponseHead& head) {
    const std::string_view id = head.fields.field(kSessionField).value_or("");
    if (&post == initializing_ && head.status == 200 && is_session_id(id)) {
        session_ = id;
    }
}

void HttpCarrier::on_post_message(HttpPost& post, const JsonScanner& scan,
                                  const Slice& text) {
    if (post.answered()) {
        requests_.erase(post.request());
    }
    owner_.on_message(scan, text, post.request());
}

void HttpCarrier::on_post_failed(HttpPost& post, const RequestFailure& failure) {
    if (post.request() == 0) {
        if (&post != farewell_ && failure.kind != RequestFailure::Kind::kSessionExpired) {
            log_debug("back", "%s: a message was not accepted: %s",
                      target_.server.c_str(), failure.why.c_str());
        }
    } else {
        requests_.erase(post.request());
        owner_.on_request_failed(post.request(), failure);
    }
    if (failure.kind == RequestFailure::Kind::kUnreachable && idle()) {
        end(failure.why);
    }
}

void HttpCarrier::on_post_cut(HttpPost& post, const std::string& last_id,
                              std::optional<uint64_t> retry) {
    const uint64_t request = post.request();
    requests_.erase(request);
    const auto added = resumed_.emplace(
        request, std::make_unique<ResumedAnswer>(
                     loop_, pool_, answer_limits(target_), request,
                     [this] { return stream_head(); },
                     static_cast<ResumedAnswerOwner&>(*this)));
    added.first->second->open(last_id, retry);
    owner_.on_answer_deferred(request);
}

void HttpCarrier::on_resumed_message(ResumedAnswer& answer, const JsonScanner& scan,
                                     const Slice& text) {
    const uint64_t request = answer.request();
    if (answer.answered()) {
        drop_resumed(request);
    }
    owner_.on_message(scan, text, request);
}

void HttpCarrier::on_resume_failed(ResumedAnswer& answer, const std::string& why) {
    const uint64_t request = answer.request();
    drop_resumed(request);
    owner_.on_request_failed(
        request, {RequestFailure::Kind::kLost, 0, true,
                  "the event stream ended without an answer, and is not resumed: " + why});
}

void HttpCarrier::on_post_over(HttpPost& post) {
    const bool was_initialized = &post == initialized_;
    const bool was_farewell = &post == farewell_;
    drop(post);
    if (was_initialized) {
        initialized();
    } else if (was_farewell) {
        end("stopped");
    }
}

HttpHeadWriter HttpCarrier::stream_head() {
    HttpHeadWriter head = request_head(target_, "GET", target_.url.path_and_query);
    head.field("MCP-Protocol-Version", revision_);
    if (!session_.empty()) {
        head.field(kSessionField, session_);
    }
    return head;
}

/// An answer on this stream is one that a server has moved here.
void HttpCarrier::on_stream_message(const JsonScanner& scan, const Slice& text) {
    if (scan.envelope().method.empty()) {
        const auto id = parse_u64(scan.envelope().id.in(text.view()));
        const auto found = requests_.find(id.value_or(0));
        if (found != requests_.end()) {
            found->second->mark_answered();
            requests_.erase(found);
        }
        drop_resumed(id.value_or(0));
    }
    owner_.on_message(scan, text, 0);
}

void HttpCarrier::on_stream_open(bool resumed) {
    log_debug("back", "%s: its stream of notifications is open", target_.server.c_str());
    if (!resumed) {
        owner_.on_notices_missed();
    }
}

void HttpCarrier::on_stream_garbage(const JsonScanner& scan, std::string_view head) {
    owner_.on_garbage(scan, head, {});
}

/// A server need not offer the stream, but one that was there tells that the session, or
/// the server, has gone.
void HttpCarrier::on_stream_over(int status, const std::string& why) {
    if (status == 404 && !session_.empty()) {
        owner_.on_session_expired();
    } else if (status == 0 && idle()) {
        end(why);
    } else if (status == 0) {
        stream_.open_later();
    } else if (status != 405) {
        log_debug("back", "%s: no stream of notifications: %s", target_.server.c_str(),
                  why.c_str());
    }
}

// --- the end -------------------------------------------------------------------------

void HttpCarrier::drop_all() {
    stream_.close();
    posts_.for_each([this](HttpPost& post) { drop(post); });
    while (!resumed_.empty()) {
        drop_resumed(resumed_.begin()->first);
    }
}

void HttpCarrier::stop() {
    if (std::exchange(stopping_, true)) {
        return;
    }
    drop_all();
    if (session_.empty()) {
        end("stopped");
        return;
    }
    HttpPost& post = add_post({0, false, true, false, {session_}});
    farewell_ = &post;
    HttpJob job;
    HttpHeadWriter head = request_head(target_, "DELETE", target_.url.path_and_query);
    head.field("MCP-Protocol-Version", revision_).field(kSessionField, session_);
    head.finish(job.bytes);
    job.exchange = &post;
    job.urgent = true;
    pool_.start(std::move(job));
    farewell_timer_.arm(kFarewellTime);
}

void HttpCarrier::kill() {
    end("killed");
}

void HttpCarrier::end(const std::string& why) {
    if (std::exchange(ended_, true)) {
        return;
    }
    stopping_ = true;
    farewell_timer_.cancel();
    drop_all();
    why_ = why;
    end_task_.schedule();
}

}  // namespace neuron
