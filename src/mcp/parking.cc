// Clients that are asked by an answer are gone while they think; their calls stay here.
// One that is given a question gives up its place as the waiter, and a retry takes it.

#include "neurond/mcp/parking.h"

#include <algorithm>
#include <cstdlib>

#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"
#include "neurond/base/limits.h"
#include "neurond/mcp/catalog.h"
#include "neurond/mcp/input_shapes.h"
#include "neurond/wire/json_view.h"

namespace neuron {

namespace {

constexpr Millis kWindow{20};  ///< questions that belong together come at once
constexpr size_t kNonceBytes = 16;
constexpr std::string_view kPurpose = "request state";

bool has_place(const ParkedCall& call) {
    return call.parked() || call.window;
}

/// What would go if it went. The request of one that only runs is its client's.
size_t bytes_of(const ParkedCall& parked) {
    size_t sum = parked.answer ? parked.answer->body.size : 0;
    sum += has_place(parked) ? parked.request_bytes : 0;
    for (const Question& each : parked.questions) {
        sum += each.params.size;
    }
    return sum;
}

/// What is kept for minutes must not keep a large block alive.
Slice to_keep(const Slice& text) {
    const bool little = text.block && text.size < text.block->capacity() / 2;
    return little || text.size < kSmallBytes ? Slice::copy_of(text.view()) : text;
}

JsonView replies_in(const CallRequest& request) {
    return JsonView(request.responses.in(request.text.view()));
}

/// Why the replies cannot be meant for what was asked; empty when they can.
std::string replies_problem(const ParkedCall& parked, const JsonView& replies) {
    if (replies.exists() && !replies.is_object()) {
        return "params.inputResponses is not an object";
    }
    for (size_t i = 0; i < parked.told; ++i) {
        const Question& question = parked.questions[i];
        const JsonView reply = replies.find(question.key);
        if (reply.exists() && !is_reply_to(question.method, reply)) {
            return "params.inputResponses." + question.key + " is no answer to " +
                   question.method;
        }
    }
    return {};
}

OwnError own_error(const ParkedCall& parked, const char* type, std::string message) {
    return {JsonRpcError::kInternal, std::move(message), type, parked.entry->downstream,
            {}};
}

}  // namespace

ParkedCall* Parking::lookup(Id id) {
    const auto found = calls_.find(id);
    return found == calls_.end() ? nullptr : &found->second;
}

const ParkedCall* Parking::find(Id id) const {
    const auto found = calls_.find(id);
    return found == calls_.end() ? nullptr : &found->second;
}

Parking::Id Parking::add(const Call& call, ParkedWaiter waiter) {
    ParkedCall& parked = calls_[++last_];
    parked.call = call.handle;
    parked.catalog = call.catalog;
    parked.entry = call.entry;
    parked.request_id = call.request.request_id;
    parked.identity = call.request.identity.name;
    parked.digest = call_digest(call.request);
    parked.kind = call.request.kind;
    parked.caps = call.request.caps;
    parked.request_bytes = call.request.text.size;
    parked.waiter = waiter;
    return last_;
}

InputOutcome Parking::ask(Id id, const InputRound& round, TimePoint now) {
    ParkedCall* parked = lookup(id);
    if (parked == nullptr || parked->kind > CallKind::kResource) {
        return InputOutcome::kRefused;  // the answer to a completion is never a question
    }
    for (const Question& each : round.questions) {
        std::string required = missing_capabilities(each, parked->caps);
        if (!required.empty()) {
            parked->failure =
                missing_capability_error(std::move(required), parked->entry->downstream);
            parked->window = now;
            return InputOutcome::kAsked;
        }
    }
    if (closed_ || full(*parked, round)) {
        const CallHandle call = parked->call;
        for (const Question& each : round.questions) {
            user_.parked_reply(call, reply_of_nobody(each));
        }
        return InputOutcome::kAsked;
    }
    for (const Question& each : round.questions) {
        parked->questions.push_back({each.key, each.method, to_keep(each.params)});
    }
    if (parked->waiter && !parked->claimed && !parked->window) {
        parked->window = now + kWindow;
    }
    return InputOutcome::kAsked;
}

/// Who has a place may go on asking, as far as the bytes go.
bool Parking::full(const ParkedCall& asking, const InputRound& round) const {
    const Kept kept = kept_beside(asking);
    size_t bytes = bytes_of(asking) + (has_place(asking) ? 0 : asking.request_bytes);
    for (const Question& each : round.questions) {
        bytes += each.params.size;
    }
    return !kept.room_for(bytes) ||
           (!has_place(asking) && (kept.places >= limits_.calls ||
                                   kept.own >= std::max<size_t>(limits_.calls / 2, 1)));
}

/// Of one identity's, as of its calls, there may be half.
bool Parking::Kept::room_for(size_t more) const {
    return bytes + more <= kMaxParkedBytes && own_bytes + more <= kMaxParkedBytes / 2;
}

Parking::Kept Parking::kept_beside(const ParkedCall& one) const {
    Kept out;
    for (const auto& [id, each] : calls_) {
        if (&each == &one) {
            continue;
        }
        const size_t bytes = bytes_of(each);
        const size_t places = has_place(each) ? 1 : 0;
        const bool own = each.identity == one.identity;
        out.places += places;
        out.bytes += bytes;
        out.own += own ? places : 0;
        out.own_bytes += own ? bytes : 0;
    }
    return out;
}

void Parking::withdraw(Id id, const std::string& key) {
    ParkedCall* parked = lookup(id);
    if (parked == nullptr) {
        return;
    }
    std::vector<Question>& open = parked->questions;
    const auto found = std::find_if(open.begin(), open.end(), [&](const Question& each) {
        return each.key == key;
    });
    if (found != open.end()) {
        if (static_cast<size_t>(found - open.begin()) < parked->told) {
            --parked->told;
        }
        open.erase(found);
    }
}

void Parking::answer(Id id, const Answer& answer) {
    ParkedCall* parked = lookup(id);
    if (parked == nullptr) {
        return;
    }
    if (parked->waiter) {
        end(id, answer);
        return;
    }
    parked->call = {};
    parked->request_bytes = 0;
    parked->questions.clear();
    parked->told = 0;
    parked->failure.reset();
    parked->window.reset();
    if (!kept_beside(*parked).room_for(answer.body.size)) {
        parked->answer = Answer::failure(
            own_error(*parked, "unavailable",
                      "The answer came before the client did, and was too large to keep"));
        return;
    }
    parked->answer = answer;
    parked->answer->body = to_keep(answer.body);
}

void Parking::end(Id id, const Answer& answer) {
    const auto found = calls_.find(id);
    const ParkedWaiter waiter = *found->second.waiter;
    calls_.erase(found);
    user_.parked_tell(waiter, answer);
}

// --- states --------------------------------------------------------------------------

Slice Parking::new_state(Id id, ParkedCall& parked, TimePoint now) {
    parked.nonce = random_bytes(kNonceBytes);
    parked.expires = now + limits_.expiry;
    parked.told = parked.questions.size();
    const std::string plain = parked.nonce + std::to_string(id);
    return write_input_required(parked.questions,
                                base64url_encode(aead_seal(key_, plain, kPurpose)));
}

/// Whose state it is and which; 0 when it is none of ours.
Parking::Id Parking::open_state(const CallRequest& request, std::string& nonce) const {
    const JsonView state(request.state.in(request.text.view()));
    const auto text = state.as_string();
    const auto sealed = text ? base64url_decode(*text) : std::nullopt;
    const auto plain = sealed ? aead_open(key_, *sealed, kPurpose) : std::nullopt;
    if (!plain || plain->size() <= kNonceBytes) {
        return 0;
    }
    nonce = plain->substr(0, kNonceBytes);
    return std::strtoull(plain->c_str() + kNonceBytes, nullptr, 10);
}

/// Who waited is answered by the questions.
void Parking::park(Id id, ParkedCall& parked, TimePoint now) {
    const ParkedWaiter waiter = *parked.waiter;
    parked.waiter.reset();
    parked.window.reset();
    const Answer asking = Answer::result(new_state(id, parked, now));
    if (parked.call) {
        user_.parked_away(parked.call, true);
    }
    user_.parked_tell(waiter, asking);
}

std::optional<Answer> Parking::read_again(const Call& call, const Answer& answer,
                                          TimePoint now) {
    std::vector<Question> urls =
        answer.kind == Answer::Kind::kError && call.request.kind <= CallKind::kResource
            ? read_url_elicitations(answer.body)
            : std::vector<Question>();
    if (urls.empty()) {
        return std::nullopt;
    }
    std::string required = missing_capabilities(urls.front(), call.request.caps);
    if (!required.empty()) {
        return Answer::failure(
            missing_capability_error(std::move(required), call.entry->downstream));
    }
    const Id id = add(call, {});
    ParkedCall& parked = calls_[id];
    parked.request_bytes = 0;
    InputRound round;
    round.questions = urls;
    if (closed_ || full(parked, round)) {
        OwnError busy = own_error(parked, "busy", "Too many calls wait for their clients");
        busy.retry_after_seconds = 1;
        calls_.erase(id);
        return Answer::failure(std::move(busy));
    }
    parked.call = {};
    parked.again = true;
    parked.waiter.reset();
    parked.questions = std::move(urls);
    return Answer::result(new_state(id, parked, now));
}

// --- retries -------------------------------------------------------------------------

Parking::Claim Parking::claim(const CallRequest& request, CallHandle retry,
                              TimePoint now) {
    Claim out;
    if (request.state.empty()) {
        return out;
    }
    std::string nonce;
    const Id id = open_state(request, nonce);
    if (id == 0) {
        return out;
    }
    ParkedCall* parked = lookup(id);
    if (parked == nullptr || parked->nonce != nonce || parked->expires <= now) {
        out.problem = "requestState has expired, or was used before";
    } else if (parked->identity != request.identity.name) {
        out.problem = "requestState belongs to another client";
    } else if (parked->digest != call_digest(request)) {
        out.problem = "requestState belongs to another call";
    } else {
        out.problem = replies_problem(*parked, replies_in(request));
    }
    if (out.problem.empty()) {
        parked->nonce.clear();
        parked->waiter = ParkedWaiter{{}, 0, retry};
        parked->claimed = true;
        parked->caps = request.caps;
        out.id = id;
    }
    return out;
}

bool Parking::go_on(Id id, const CallRequest& request, TimePoint now) {
    ParkedCall* parked = lookup(id);
    if (parked == nullptr) {
        return true;
    }
    parked->claimed = false;
    if (parked->again) {
        return go_on_again(id, *parked, request, now);
    }
    if (parked->answer) {
        end(id, Answer(*parked->answer));
        return true;
    }
    const JsonView replies = replies_in(request);
    std::vector<InputReply> given;
    std::vector<Question> open;
    for (size_t i = 0; i < parked->questions.size(); ++i) {
        Question& each = parked->questions[i];
        const JsonView reply = i < parked->told ? replies.find(each.key) : JsonView();
        if (reply.exists()) {
            given.push_back({each.key, false, request.text.part(reply.raw())});
        } else {
            open.push_back(std::move(each));
        }
    }
    parked->questions = std::move(open);
    parked->told = 0;
    const CallHandle call = parked->call;
    user_.parked_away(call, false);
    for (const InputReply& each : given) {
        user_.parked_reply(call, each);
    }
    parked = lookup(id);
    if (parked != nullptr && parked->waiter && !parked->failure &&
        !parked->questions.empty()) {
        park(id, *parked, now);
    }
    return true;
}

/// Only a client that has opened every URL gets its call made again.
bool Parking::go_on_again(Id id, ParkedCall& parked, const CallRequest& request,
                          TimePoint now) {
    const JsonView replies = replies_in(request);
    bool missing = false;
    bool refused = false;
    for (const Question& each : parked.questions) {
        const JsonView action = replies.find(each.key).find("action");
        missing = missing || !action.exists();
        refused = refused || (action.exists() && !action.is_string("accept"));
    }
    if (refused) {
        end(id, gave_up(parked.kind, own_error(parked, "unavailable",
                                               "The client did not open the URL")));
        return true;
    }
    if (missing) {
        park(id, parked, now);
        return true;
    }
    calls_.erase(id);
    return false;
}

void Parking::lost(Id id, CallHandle retry) {
    const ParkedCall* parked = lookup(id);
    if (parked == nullptr || !parked->waiter || parked->waiter->retry != retry) {
        return;
    }
    const CallHandle call = parked->call;
    calls_.erase(id);
    if (call) {
        user_.parked_take_back(call);
    }
}

// --- time ----------------------------------------------------------------------------

std::optional<TimePoint> Parking::next() const {
    std::optional<TimePoint> first;
    for (const auto& [id, each] : calls_) {
        const std::optional<TimePoint> due =
            each.claimed       ? std::nullopt
            : each.window      ? each.window
            : each.parked() ? std::optional(each.expires)
                               : std::nullopt;
        if (due && (!first || *due < *first)) {
            first = due;
        }
    }
    return first;
}

void Parking::on_time(TimePoint now) {
    std::vector<Id> due;
    for (const auto& [id, each] : calls_) {
        if (!each.claimed && ((each.window && *each.window <= now) ||
                              (each.parked() && each.expires <= now))) {
            due.push_back(id);
        }
    }
    for (const Id id : due) {
        if (ParkedCall* parked = lookup(id); parked != nullptr) {
            on_due(id, *parked, now);
        }
    }
}

void Parking::on_due(Id id, ParkedCall& parked, TimePoint now) {
    const CallHandle call = parked.call;
    if (parked.failure) {
        parked.window.reset();
        user_.parked_fail(call, *std::exchange(parked.failure, std::nullopt));
    } else if (parked.waiter) {
        parked.window.reset();
        if (!parked.questions.empty()) {
            park(id, parked, now);
        }
    } else {
        calls_.erase(id);
        if (call) {
            user_.parked_take_back(call);
        }
    }
}

void Parking::close() {
    closed_ = true;
    std::vector<Id> ids;
    for (const auto& [id, each] : calls_) {
        ids.push_back(id);
    }
    for (const Id id : ids) {
        ParkedCall* parked = lookup(id);
        if (parked == nullptr) {
            continue;
        }
        const CallHandle call = parked->call;
        if (parked->parked()) {
            calls_.erase(id);
            if (call) {
                user_.parked_take_back(call);
            }
            continue;
        }
        parked->window.reset();
        for (const Question& each : std::exchange(parked->questions, {})) {
            user_.parked_reply(call, reply_of_nobody(each));
        }
    }
}

size_t Parking::away() const {
    return static_cast<size_t>(
        std::count_if(calls_.begin(), calls_.end(), [](const auto& each) {
            return each.second.parked() && each.second.call;
        }));
}

size_t Parking::parked() const {
    return static_cast<size_t>(
        std::count_if(calls_.begin(), calls_.end(),
                      [](const auto& each) { return each.second.parked(); }));
}

}  // namespace neuron
