// A running stdio server as the model sees it: calls go in, exactly one answer each comes
// out, whatever the process says or does.

#include "neurond/back/instance.h"

#include "neurond/base/limits.h"
#include "neurond/base/log.h"
#include "neurond/base/text.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

namespace {

constexpr Millis kRelistDelay{100};        ///< servers announce changes in bursts
constexpr Millis kClosedOutputGrace{200};  ///< an exit status usually follows at once

}  // namespace

Instance::Instance(EventLoop& loop, Children& children, StderrTail& tail,
                   CallSink& sink, InstanceOwner& owner, std::string server)
    : loop_(loop),
      sink_(sink),
      owner_(owner),
      server_(std::move(server)),
      tail_(tail),
      complaints_(kStderrLogLinesPerSecond),
      start_timer_(loop,
                   [this] { start_failed("it was not ready within start_timeout"); }),
      relist_timer_(loop, [this] { begin_list(); }),
      closed_timer_(loop, [this] { answer_all("closed its output", "crash"); }),
      process_(loop, children, tail, static_cast<ProcessOwner&>(*this)) {}

Instance::~Instance() = default;

Status Instance::start(const StdioCommand& command, Millis start_timeout) {
    if (Status started = process_.start(command); !started) {
        return started;
    }
    start_timer_.arm(start_timeout);
    const uint64_t id = next_id_++;
    pending_.emplace(id, Entry{Pending::kInitialize, {}});
    OutQueue message;
    leg_legacy::write_initialize(message, id);
    transmit(std::move(message));
    return Ok{};
}

void Instance::stop(const std::string& why) {
    if (state_ == State::kEnding) {
        return;
    }
    state_ = State::kEnding;
    failure_ = why;
    start_timer_.cancel();
    relist_timer_.cancel();
    answer_all(why, "unavailable");
    process_.stop();
}

void Instance::start_failed(const std::string& why) {
    log_warn("supervisor", "%s: start failed: %s", server_.c_str(), why.c_str());
    stop(why);
}

void Instance::transmit(OutQueue&& message) {
    process_.link().send(std::move(message));
}

// --- calls ---------------------------------------------------------------------------

void Instance::send(Call& call) {
    call.leg_id = next_id_++;
    call.stage = Call::Stage::kSent;
    call.sent = loop_.now();
    pending_.emplace(call.leg_id, Entry{Pending::kCall, call.handle});
    ++calls_;
    OutQueue message;
    leg_legacy::write_call(message, call.leg_id, call);
    transmit(std::move(message));
}

void Instance::cancel(const Call& call, CancelReason reason) {
    Entry entry{};
    if (!take_entry(call.leg_id, entry) || state_ == State::kEnding) {
        return;
    }
    OutQueue message;
    leg_legacy::write_cancelled(
        message, call.leg_id,
        reason == CancelReason::kTimeout ? "timed out" : "cancelled by the client");
    transmit(std::move(message));
    owner_.on_instance_room();
}

bool Instance::take_entry(uint64_t id, Entry& entry) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) {
        return false;
    }
    entry = found->second;
    pending_.erase(found);
    calls_ -= entry.kind == Pending::kCall ? 1 : 0;
    return true;
}

OwnError Instance::own_error(std::string message, const char* type) const {
    return {JsonRpcError::kInternal,
            "Downstream '" + server_ + "' " + std::move(message),
            type,
            server_,
            {}};
}

void Instance::answer(CallHandle call, const Answer& answer) {
    sink_.on_answer(call, answer);
    owner_.on_instance_room();
}

void Instance::answer_all(const std::string& why, const char* type) {
    std::unordered_map<uint64_t, Entry> pending;
    pending.swap(pending_);
    calls_ = 0;
    for (const auto& [id, entry] : pending) {
        if (entry.kind == Pending::kCall) {
            sink_.on_answer(entry.call, Answer::failure(own_error(why, type)));
        }
    }
}

// --- what the server says ------------------------------------------------------------

void Instance::on_message(const JsonScanner& scan, const Slice& text) {
    const JsonRpcMessage message = classify(scan, text.view());
    switch (message.kind) {
        case JsonRpcMessage::Kind::kResult:
        case JsonRpcMessage::Kind::kError:
            on_answer(message, text);
            break;
        case JsonRpcMessage::Kind::kNotification:
            on_notification(message, scan, text);
            break;
        case JsonRpcMessage::Kind::kRequest:
            on_request(message, text.view());
            break;
        case JsonRpcMessage::Kind::kInvalid:
            on_bad_answer(message.id.in(text.view()),
                          "sent an invalid message: " + message.reason);
            break;
    }
}

void Instance::on_answer(const JsonRpcMessage& message, const Slice& text) {
    const std::string_view id_raw = message.id.in(text.view());
    const std::optional<uint64_t> id = leg_legacy::read_id(id_raw);
    Entry entry{};
    if (!id || !take_entry(*id, entry)) {
        complain("it sent an answer nobody waits for, id " + escape(id_raw, 64));
        return;
    }
    switch (entry.kind) {
        case Pending::kInitialize:
            on_hello(message, text);
            break;
        case Pending::kList:
            on_page(message, text);
            break;
        case Pending::kCall:
            answer(entry.call,
                   message.kind == JsonRpcMessage::Kind::kResult
                       ? Answer::result(text.part(message.result.in(text.view())))
                       : Answer::error(text.part(message.error.in(text.view()))));
            break;
    }
}

/// What is wrong with a server goes to the log, at a rate it cannot set.
void Instance::complain(const std::string& what) {
    if (!complaints_.allow(loop_.now())) {
        return;
    }
    const uint64_t withheld = complaints_.take_withheld();
    const std::string more =
        withheld == 0 ? "" : " (and " + std::to_string(withheld) + " lines like this)";
    log_warn("supervisor", "%s: %s%s", server_.c_str(), what.c_str(), more.c_str());
}

/// A message that breaks the rules still ends the call it was meant for.
void Instance::on_bad_answer(std::string_view id_raw, const std::string& what) {
    complain("it " + what);
    const std::optional<uint64_t> id = leg_legacy::read_id(id_raw);
    Entry entry{};
    if (!id || !take_entry(*id, entry)) {
        return;
    }
    if (entry.kind == Pending::kCall) {
        answer(entry.call, Answer::failure(own_error(what, "protocol")));
    } else {
        start_failed("it " + what);
    }
}

void Instance::on_garbage(const JsonScanner& scan, std::string_view head,
                          std::string_view id_raw) {
    on_bad_answer(id_raw, "sent a line that is not JSON (" + scan.message() +
                              "): " + escape(head, 128));
}

void Instance::on_oversized(std::string_view id_raw) {
    on_bad_answer(id_raw, "sent a message over limits.message_max");
}

void Instance::on_notification(const JsonRpcMessage& message, const JsonScanner& scan,
                               const Slice& text) {
    if (message.method == "notifications/tools/list_changed") {
        relist_timer_.arm(kRelistDelay);
        return;
    }
    if (message.method != "notifications/progress") {
        return;  // nothing links it to a call, and there is nobody else to tell
    }
    const auto token = leg_legacy::read_progress(scan, text.view());
    const auto found = token ? pending_.find(token->id) : pending_.end();
    if (found == pending_.end() || found->second.kind != Pending::kCall) {
        return;
    }
    const size_t base = message.params.begin;
    sink_.on_notice(found->second.call,
                    {text.part(message.params.in(text.view())),
                     {token->where.begin - base, token->where.end - base}});
}

/// A shared stdio server was promised no client capability: only pings are answered.
void Instance::on_request(const JsonRpcMessage& message, std::string_view text) {
    OutQueue reply;
    const std::string_view id_raw = message.id.in(text);
    if (message.method == "ping") {
        write_result(reply, id_raw, Slice({}, "{}"));
    } else {
        write_error(reply, id_raw, JsonRpcError::kMethodNotFound,
                    "neurond declared no capability for this request");
    }
    transmit(std::move(reply));
}

// --- handshake and list --------------------------------------------------------------

void Instance::on_hello(const JsonRpcMessage& message, const Slice& text) {
    if (message.kind == JsonRpcMessage::Kind::kError) {
        start_failed("it refused initialize: " +
                     escape(message.error.in(text.view()), 256));
        return;
    }
    Result<leg_legacy::ServerHello> hello =
        leg_legacy::read_hello(message.result.in(text.view()));
    if (!hello) {
        start_failed(hello.error().message);
        return;
    }
    hello_ = std::move(*hello);
    OutQueue reply;
    leg_legacy::write_initialized(reply);
    transmit(std::move(reply));
    state_ = State::kListing;
    begin_list();
}

void Instance::begin_list() {
    if (state_ == State::kHandshake || state_ == State::kEnding) {
        return;
    }
    if (std::exchange(listing_, true)) {
        list_again_ = true;
        return;
    }
    offer_ = std::make_shared<Offer>();
    last_cursor_.reset();
    pages_ = 0;
    if (hello_.tools) {
        request_page(std::nullopt);
    } else {
        list_complete();
    }
}

void Instance::request_page(const std::optional<std::string>& cursor) {
    const uint64_t id = next_id_++;
    pending_.emplace(id, Entry{Pending::kList, {}});
    OutQueue message;
    leg_legacy::write_tools_list(message, id, cursor);
    transmit(std::move(message));
}

void Instance::on_page(const JsonRpcMessage& message, const Slice& text) {
    std::string problem;
    std::optional<std::string> cursor;
    if (message.kind == JsonRpcMessage::Kind::kError) {
        problem =
            "it refused tools/list: " + escape(message.error.in(text.view()), 256);
    } else if (Status read = parse_tools_page(text.part(message.result.in(text.view())),
                                              *offer_, cursor);
               !read) {
        problem = read.error().message;
    }
    if (!problem.empty()) {
        listing_ = false;
        if (state_ == State::kListing) {
            start_failed(problem);
        } else {
            log_warn("supervisor", "%s: keeping the old list: %s", server_.c_str(),
                     problem.c_str());
        }
        return;
    }
    const bool loop = cursor && (cursor == last_cursor_ || ++pages_ >= kMaxListPages);
    if (loop) {
        log_warn("supervisor", "%s: tools/list does not end; using what came so far",
                 server_.c_str());
    }
    last_cursor_ = cursor;
    if (cursor && !loop) {
        request_page(cursor);
    } else {
        list_complete();
    }
}

void Instance::list_complete() {
    listing_ = false;
    if (state_ == State::kListing) {
        state_ = State::kReady;
        start_timer_.cancel();
    }
    for (const std::string& problem : offer_->problems) {
        log_warn("supervisor", "%s: %s", server_.c_str(), problem.c_str());
    }
    owner_.on_listed(std::move(offer_));
    if (std::exchange(list_again_, false)) {
        relist_timer_.arm(kRelistDelay);
    }
}

// --- the end -------------------------------------------------------------------------

void Instance::on_link_closed(const std::string&) {
    state_ = State::kEnding;
    closed_timer_.arm(kClosedOutputGrace);
}

void Instance::on_process_end(ExitStatus status) {
    const bool asked = !failure_.empty();
    state_ = State::kEnding;
    std::string why = asked ? failure_ : status.to_string();
    if (!asked && !tail_.last().empty()) {
        why += "; its last words: " + tail_.last();
    }
    answer_all(why, "crash");
    owner_.on_instance_end(why);
}

}  // namespace neuron
