// HTTP+SSE, client face. An old transport, kept because old servers are.

#include "neurond/back/sse_carrier.h"

#include <algorithm>

#include "neurond/base/limits.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr size_t kMaxWaiting = 256;

/// Path and query of `reference`, relative to the URL of the stream; an error when that
/// is another origin, to which our headers must not go.
Result<std::string> resolve_endpoint(const Url& base, std::string_view reference) {
    if (reference.size() > kMaxEndpointBytes) {
        return Error{"it is too long", 0};
    }
    const std::string origin = base.scheme + "://" + authority_of(base);
    const std::string path = base.path_and_query.substr(0, base.path_and_query.find('?'));
    std::string text;
    if (reference.find("://") != std::string_view::npos &&
        reference.find("://") < reference.find('?')) {
        text = reference;
    } else if (starts_with(reference, "//")) {
        text = base.scheme + ":" + std::string(reference);
    } else if (starts_with(reference, "/")) {
        text = origin + std::string(reference);
    } else if (starts_with(reference, "?")) {
        text = origin + path + std::string(reference);
    } else {
        text = origin + path.substr(0, path.rfind('/') + 1) + std::string(reference);
    }
    Result<Url> url = parse_url(text);
    if (!url) {
        return url.error();
    }
    if (url->scheme != base.scheme || url->host != base.host || url->port != base.port) {
        return Error{"it is on another origin", 0};
    }
    return url->path_and_query;
}

AnswerLimits answer_limits(const HttpTarget& target) {
    return {target.message_max, target.json_depth};
}

}  // namespace

SseCarrier::SseCarrier(EventLoop& loop, ResolverCache& names, const HttpTarget& target,
                       CarrierOwner& owner)
    : loop_(loop),
      target_(target),
      owner_(owner),
      pool_(loop, names, target, [] {}),
      stream_(loop, pool_, answer_limits(target), false,
              static_cast<ServerStreamOwner&>(*this)),
      end_task_(loop, Phase::kSoon, [this] {
          owner_.on_carrier_end({EndCause::kUnreachable, {}, why_});
      }) {}

SseCarrier::~SseCarrier() = default;

Status SseCarrier::start() {
    stream_.open();
    return Ok{};
}

HttpHeadWriter SseCarrier::stream_head() {
    return request_head(target_, "GET", target_.url.path_and_query);
}

// --- sending -------------------------------------------------------------------------

bool SseCarrier::congested() const noexcept {
    return waiting_.size() >= kMaxWaiting;
}

void SseCarrier::send(OutQueue&& message, const Outgoing& about) {
    if (ended_) {
        return;
    }
    Waiting next{std::move(message),
                 about.kind == Outgoing::Kind::kRequest ? about.id : 0,
                 {}};
    if (about.fields != nullptr) {
        std::copy_if(about.fields->begin(), about.fields->end(),
                     std::back_inserter(next.fields), [this](const auto& field) {
                         return is_forwarded(target_, field.first);
                     });
    }
    waiting_.push_back(std::move(next));
    pump();
}

void SseCarrier::forget(uint64_t id) {
    waiting_.erase(
        std::remove_if(waiting_.begin(), waiting_.end(),
                       [id](const Waiting& each) { return each.request == id; }),
        waiting_.end());
}

void SseCarrier::pump() {
    if (waiting_.empty() || post_ || endpoint_.empty()) {
        return;
    }
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    HttpJob job;
    HttpHeadWriter head = request_head(target_, "POST", endpoint_);
    head.field("Accept", "application/json, text/event-stream");
    head.field("Content-Type", "application/json");
    for (const auto& [name, value] : next.fields) {
        head.try_field(name, value);
    }
    head.field("Content-Length", next.message.bytes()).finish(job.bytes);
    job.bytes.append(std::move(next.message));
    HttpPost::Expect expect;
    expect.secrets = forwarded_values(target_, next.fields);
    post_ = std::make_unique<HttpPost>(loop_, std::move(expect), answer_limits(target_),
                                       static_cast<HttpPostOwner&>(*this));
    post_request_ = next.request;
    job.exchange = post_.get();
    pool_.start(std::move(job));
}

void SseCarrier::on_post_failed(HttpPost&, const RequestFailure& failure) {
    if (post_request_ != 0) {
        owner_.on_request_failed(post_request_, failure);
    }
}

void SseCarrier::on_post_over(HttpPost& post) {
    pool_.cancel(post);
    loop_.retire(std::move(post_));
    const bool was_full = waiting_.size() + 1 >= kMaxWaiting;
    pump();
    if (was_full) {
        owner_.on_output_room();
    }
}

// --- what comes back -----------------------------------------------------------------

void SseCarrier::on_stream_message(const JsonScanner& scan, const Slice& text) {
    owner_.on_message(scan, text, kAnyExchange);
}

void SseCarrier::on_stream_garbage(const JsonScanner& scan, std::string_view head) {
    owner_.on_garbage(scan, head, {});
}

void SseCarrier::on_stream_event(std::string_view name, std::string_view data) {
    if (name != "endpoint" || !endpoint_.empty()) {
        return;
    }
    Result<std::string> endpoint = resolve_endpoint(target_.url, data);
    if (!endpoint) {
        end("use endpoint " + escape(data, 128) + ": " + endpoint.error().message);
        return;
    }
    endpoint_ = std::move(*endpoint);
    pump();
}

void SseCarrier::on_stream_over(int, const std::string& why) {
    end(why);
}

void SseCarrier::end(const std::string& why) {
    if (std::exchange(ended_, true)) {
        return;
    }
    stream_.close();
    if (post_) {
        pool_.cancel(*post_);
        loop_.retire(std::move(post_));
    }
    waiting_.clear();
    why_ = why;
    end_task_.schedule();
}

}  // namespace neuron
